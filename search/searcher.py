"""The programmatic API: open a collection, search it with words or photographs."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from schemas.errors import CollectionMissing, QueryError
from schemas.query import Page
from search.collection_encoder import load_collection_encoder
from search.composition import to_composition
from search.each import for_each
from search.generation import Follower, Generation
from search.options import to_options
from search.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self, Unpack

    from ingest.decode.limits import Limits
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Encoder
    from search.composition import QueryLike
    from search.facets import FacetOptions, Facets
    from search.item import Item
    from search.options import SearchOptions
    from search.request import Answerable

T = TypeVar("T")


class Searcher:
    """Searches one collection with the encoder of its space.

    Calls from several threads are safe. Made from a collection and an encoder it stays with them.
    Made by :meth:`open` or :meth:`follow` it follows the name: some time after the alias has moved
    to a new generation, the generation and its encoder are exchanged together, between two queries.

    Args:
        engine: The store; closed by :meth:`close`.
        collection: The concrete collection with its space and canary.
        encoder: Makes the query vectors.
        limits: Over which an image query is refused; None for the defaults.

    Raises:
        SpaceMismatch: The collection was built in another space than the encoder's.
    """

    def __init__(
        self,
        engine: Engine,
        collection: ConcreteCollection,
        encoder: Encoder,
        *,
        limits: Limits | None = None,
    ) -> None:
        """Refuse an encoder whose vectors mean nothing in this collection."""
        self._engine = engine
        self.limits = limits
        self._fixed = Generation(collection, encoder)
        self._follower: Follower | None = None

    @property
    def collection(self) -> ConcreteCollection:
        """The collection that answers now."""
        return self._generation.collection

    @property
    def engine(self) -> Engine:
        """The store, for what is no search; :meth:`close` closes it."""
        return self._engine

    @property
    def encoder(self) -> Encoder:
        """The encoder in use now."""
        return self._generation.encoder

    @property
    def _generation(self) -> Generation:
        return self._follower.live if self._follower else self._fixed

    @classmethod
    def open(
        cls,
        url: str | None = None,
        collection: str | None = None,
        *,
        model: str | None = None,
        settings: Settings | None = None,
        refresh_seconds: float | None = None,
    ) -> Self:
        """Open a collection with the encoder it was built with.

        The store is opened at once; the encoder loads its towers at first use.

        Args:
            url: The index; None for the settings'.
            collection: Name or alias; None for the settings'.
            model: Model id; None for the collection's own model in its own revision.
            settings: Everything else; None loads them from environment and ``diptych.toml``.
            refresh_seconds: How long until a query looks whether the name means a new generation;
                None for the settings'. A generation's own name always means itself.

        Raises:
            CollectionMissing: No collection has that name.
            LockHeld: Another process has the embedded index open.
            StoreUnavailable: The server does not answer.
            ModelUnavailable: The model or the extra that runs it is not installed.
            SpaceMismatch: The model's space is not the collection's.
        """
        from ingest.store.connect import open_store
        from schemas.settings import load_settings

        named = {"url": url, "collection": collection}
        settings = (settings or load_settings()).model_copy(
            update={name: value for name, value in named.items() if value}
        )
        engine = open_store(settings)
        try:
            return cls._compose(engine, settings.collection, model, settings, refresh_seconds)
        except BaseException:
            engine.close()
            raise

    @classmethod
    def follow(
        cls,
        engine: Engine,
        name: str,
        load_encoder: Callable[[ConcreteCollection], Encoder],
        *,
        limits: Limits | None = None,
        refresh_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Search what a name means in an open store, also after its alias has moved.

        Args:
            engine: The store; closed by :meth:`close`.
            name: Name or alias.
            load_encoder: Gives the encoder of a collection, or raises ModelUnavailable.
            limits: Over which an image query is refused; None for the defaults.
            refresh_seconds: How long until a query looks whether the name means a new generation;
                0 looks at every query.
            clock: Monotonic seconds.

        Raises:
            CollectionMissing: No collection has that name.
            StoreError: The store failed.
            EncoderError: The encoder cannot be loaded.
            SpaceMismatch: It is not of the collection's space.
        """
        follower = Follower(
            engine, name, load_encoder, refresh_seconds=refresh_seconds, clock=clock
        )
        live = follower.live
        searcher = cls(engine, live.collection, live.encoder, limits=limits)
        searcher._follower = follower
        return searcher

    @classmethod
    def _compose(
        cls,
        engine: Engine,
        name: str,
        model: str | None,
        settings: Settings,
        refresh_seconds: float | None,
    ) -> Self:
        from ingest.decode.limits import Limits

        seconds = settings.refresh_seconds if refresh_seconds is None else refresh_seconds
        return cls.follow(
            engine,
            name,
            partial(load_collection_encoder, model=model, settings=settings),
            limits=Limits.from_settings(settings),
            refresh_seconds=seconds,
        )

    def search(self, query: QueryLike, **options: Unpack[SearchOptions]) -> Page:
        """The nearest items of the collection.

        Args:
            query: A ``str`` is always a text, never a path; a ``Path``, bytes or a Pillow image is
                an image; ``Query(item=...)`` is something in the collection; a ``Composition``
                several of them with weights.
            **options: See :class:`search.options.SearchOptions`.

        Returns:
            Hits by falling raw cosine, or by falling calibrated score where several modalities
            were asked for, or as words and meaning together put them (``hybrid``); equal ones by
            point id, ranked from 1.

        Raises:
            EmptyQuery: The query has no content.
            UnknownField: ``where`` names a field that is neither indexed nor ``metadata.NAME``.
            QueryError: Another argument cannot be answered; the message says which.
            SourceError: The query image cannot be read or decoded; a path is named.
            UnsupportedModality: The encoder lacks the query's or the target's modality.
            SpaceMismatch: The encoder no longer gives the vectors that the collection was built
                with (checked at the first use of each modality).
            StoreError: The store failed.
        """
        return self.search_batch([query], **options)[0]

    def search_batch(
        self, queries: Iterable[QueryLike], **options: Unpack[SearchOptions]
    ) -> list[Page]:
        """A page for each query, in order: texts are encoded together, the store is asked once.

        Args:
            queries: As for :meth:`search`.
            **options: The same for all of them; ``cursor`` only with one.

        Raises:
            DiptychError: As :meth:`search` does; one query that cannot be answered fails all, and
                the message has its number, from 0.
        """
        begun = time.perf_counter()
        if isinstance(queries, str | bytes):
            raise QueryError("search_batch takes a list of queries; one query is for search")
        compositions = tuple(for_each(to_composition, list(queries)))
        request = Request(compositions, to_options(options), self.limits)
        if not request.queries:
            return []
        answers, generation = self._answer(request)
        seconds = time.perf_counter() - begun
        return [
            Page(
                hits=answer.hits,
                target=request.options.targets,
                model_id=generation.encoder.space.model_id,
                collection=generation.collection.name,
                took_seconds=seconds,
                next_cursor=answer.next_cursor,
            )
            for answer in answers
        ]

    def facets(self, field: str, **options: Unpack[FacetOptions]) -> Facets:
        """How many points have each value of a field; see :class:`search.facets.FacetRequest`.

        Raises:
            DiptychError: As documented there.
        """
        from search.facets import FacetRequest

        return self._answer(FacetRequest(field, **options))[0]

    def item(self, point_id: str) -> Item:
        """What the collection knows of a point; see :class:`search.item.Item`.

        Raises:
            PointMissing: It has no such point.
            StoreError: The store failed.
        """
        from search.item import ItemRequest

        return self._answer(ItemRequest(point_id))[0]

    def prove(self) -> None:
        """Load the encoder and compare it with the collection's canary; raises as a search."""
        self._generation.prove(self.encoder.space.modalities)

    def close(self) -> None:
        """Let go of the store; closing twice is harmless."""
        self._engine.close()

    def __enter__(self) -> Self:
        """The searcher itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _answer(self, request: Answerable[T]) -> tuple[T, Generation]:
        """The answer, and the one generation that all of it is from."""
        if self._follower is None:
            return request.ask(self._engine, self._fixed), self._fixed
        generation = self._follower.look(request.modalities)
        try:
            return request.ask(self._engine, generation), generation
        except CollectionMissing:
            replaced = self._follower.replace(generation, request.modalities)
            if replaced is None:
                raise
        return request.ask(self._engine, replaced), replaced
