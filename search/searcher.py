"""The programmatic API: open a collection, search it with words or photographs."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from schemas.errors import QueryError, SpaceMismatch, UnsupportedModality
from schemas.query import Page, Target
from search.filters import to_filter
from search.query import encode_query, to_query
from search.ranking import interleave, to_hits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Any, Self

    from ingest.decode.limits import Limits
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.query import Hit, Where
    from schemas.records import Modality
    from schemas.settings import Settings
    from schemas.space import Encoder
    from search.query import QueryLike

MAX_TOP_K = 10_000
"""The longest answer; more is a listing, not a search."""

DOCUMENT_FIELD = "source_uri"
"""Hits with the same value here are chunks of one document."""


class Searcher:
    """Searches one collection with one encoder.

    Calls from several threads are safe. The collection is resolved once: after its alias moves to
    a new generation this searcher goes on asking the old one, with the encoder that fits it.

    Args:
        engine: The store; closed by :meth:`close`.
        collection: The concrete collection with its space and canary.
        encoder: Makes the query vectors.
        limits: Over which an image query is refused; None for the defaults.

    Attributes:
        collection: The collection that answers.
        encoder: The encoder in use.

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
        from ingest.store.collections import check_space

        check_space(collection, encoder.space)
        self.collection = collection
        self.encoder = encoder
        self._engine = engine
        self._limits = limits
        self._proven: set[Modality] = set()
        self._proving = Lock()

    @classmethod
    def open(
        cls,
        url: str | None = None,
        collection: str | None = None,
        *,
        model: str | None = None,
        settings: Settings | None = None,
    ) -> Self:
        """Open a collection with the encoder it was built with.

        The store is opened at once; the encoder loads its towers at first use.

        Args:
            url: The index; None for the settings'.
            collection: Name or alias; None for the settings'.
            model: Model id; None for the collection's own model in its own revision.
            settings: Everything else; None loads them from environment and ``diptych.toml``.

        Raises:
            CollectionMissing: No collection has that name.
            LockHeld: Another process has the embedded index open.
            StoreUnavailable: The server does not answer.
            ModelUnavailable: The model or the extra that runs it is not installed.
            SpaceMismatch: The model's space is not the collection's.
        """
        from ingest.store.connect import open_store
        from schemas.settings import load_settings

        settings = settings or load_settings()
        engine = open_store(settings, url)
        try:
            return cls._compose(engine, collection or settings.collection, model, settings)
        except BaseException:
            engine.close()
            raise

    @classmethod
    def _compose(cls, engine: Engine, name: str, model: str | None, settings: Settings) -> Self:
        from ingest.decode.limits import Limits
        from ingest.encoders.recorded import load_recorded_encoder
        from ingest.store.collections import resolve_collection

        collection = resolve_collection(engine, name)
        _check_model(collection, model)
        encoder = load_recorded_encoder(
            collection.space, settings, model=model, threads=settings.workers
        )
        return cls(engine, collection, encoder, limits=Limits.from_settings(settings))

    def search(
        self,
        query: QueryLike,
        *,
        target: Target | str = Target.ANY,
        where: Where | Sequence[Where] | None = None,
        top_k: int = 10,
        all_chunks: bool = False,
        score_threshold: float | None = None,
    ) -> Page:
        """The nearest items of the collection.

        Args:
            query: A ``str`` is always a text, never a path; a ``Path``, bytes or a Pillow image
                is an image.
            target: Which modality is searched for. ``any`` asks each modality by itself and
                interleaves the answers by rank, because their cosines are not comparable.
            where: Conditions by payload field that must all hold; several mappings too.
            top_k: Length of the answer at most, 1 to 10,000.
            all_chunks: Give every chunk its own hit, not only the nearest of each document.
            score_threshold: Leave out hits of a lower cosine.

        Returns:
            Hits by falling raw cosine, equal ones by point id, ranked from 1.

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
        begun = time.perf_counter()
        asked = to_query(query)
        goal = _to_target(target)
        options = [
            _to_options(to_filter(modality, where), top_k, score_threshold)
            for modality in self._modalities(goal)
        ]
        self._prove(asked.modality)
        vector = encode_query(asked, self.encoder, limits=self._limits).tolist()
        ask = self._ask_chunks if all_chunks else self._ask_documents
        answers = [to_hits(ask(vector, option), asked.text) for option in options]
        return Page(
            hits=_merge(answers, top_k),
            target=goal,
            model_id=self.encoder.space.model_id,
            collection=self.collection.name,
            took_seconds=time.perf_counter() - begun,
        )

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

    def _modalities(self, target: Target) -> list[Modality]:
        """The modalities to ask for: those of the target that the space has."""
        has = self.encoder.space.modalities
        wanted = [modality for modality in target.modalities if modality in has]
        if not wanted:
            raise UnsupportedModality(
                f"{self.encoder.space.model_id} encodes no {target}s, so the collection has none"
            )
        return wanted

    def _ask_chunks(self, vector: list[float], options: Mapping[str, Any]) -> list[Any]:
        """The nearest points of the store."""
        return self._engine.query_points(self.collection.name, vector, **options).points

    def _ask_documents(self, vector: list[float], options: Mapping[str, Any]) -> list[Any]:
        """The nearest point of each of the nearest documents."""
        groups = self._engine.query_points_groups(
            self.collection.name, DOCUMENT_FIELD, vector, group_size=1, **options
        ).groups
        return [group.hits[0] for group in groups]

    def _prove(self, modality: Modality) -> None:
        """Compare the encoder with the collection's canary, once a modality."""
        from ingest.encoders.canary import check_canary

        with self._proving:
            if modality not in self._proven and modality in self.encoder.space.modalities:
                check_canary(self.encoder, self.collection.canary, (modality,))
                self._proven.add(modality)


def _to_options(filter_: object, top_k: object, score_threshold: float | None) -> dict[str, Any]:
    """What every engine is asked with besides the vector."""
    is_count = isinstance(top_k, int) and not isinstance(top_k, bool)
    if not (is_count and top_k in range(1, MAX_TOP_K + 1)):
        raise QueryError(f"top_k is a whole number from 1 to {MAX_TOP_K:,}, not {top_k!r}")
    if score_threshold is not None and not -1 <= score_threshold <= 1:
        raise QueryError(f"score_threshold is a cosine from -1 to 1, not {score_threshold!r}")
    return {"query_filter": filter_, "limit": top_k, "score_threshold": score_threshold}


def _check_model(collection: ConcreteCollection, model: str | None) -> None:
    """Refuse another model by its name, before anything of it is fetched or loaded.

    A folder is known by what is in it, so it is loaded first.
    """
    recorded = collection.space.model_id
    if model in (None, recorded) or Path(str(model)).expanduser().exists():
        return
    raise SpaceMismatch(
        f"collection {collection.name!r} was built with {recorded}, not with {model}: leave the "
        f"model out, or name a collection that was built with it"
    )


def _merge(answers: Sequence[Sequence[Hit]], top_k: int) -> tuple[Hit, ...]:
    return tuple(answers[0]) if len(answers) == 1 else interleave(answers, top_k)


def _to_target(target: Target | str) -> Target:
    try:
        return Target(target)
    except ValueError:
        choices = ", ".join(Target)
        raise QueryError(f"target {target!r} is not one of {choices}") from None
