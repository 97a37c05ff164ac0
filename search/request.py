"""One search, or several of the same options, ready to be put to any generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from schemas.errors import QueryError, UnsupportedModality
from schemas.records import Modality
from search.composition import to_aims
from search.cursor import from_text, to_digest
from search.each import for_each
from search.filters import to_filter
from search.hybrid import check_words
from search.inquiry import Inquiry, answer_all
from search.pool import to_stages
from search.rerank import check_rerankable

if TYPE_CHECKING:
    from ingest.decode.limits import Limits
    from ingest.store.engine import Engine
    from schemas.query import Composition
    from search.cursor import Cursor
    from search.generation import Generation
    from search.inquiry import Answer
    from search.options import Options


T_co = TypeVar("T_co", covariant=True)


class Answerable(Protocol[T_co]):
    """What can be put to any generation of a collection."""

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What must be encoded."""
        ...

    def ask(self, engine: Engine, generation: Generation) -> T_co:
        """The answer of one generation.

        Raises:
            CollectionMissing: The store no longer has the generation.
        """
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What :meth:`search.searcher.Searcher.search_batch` was called with.

    Attributes:
        queries: What is searched with.
        options: The same for all of them.
        limits: Over which an image query is refused; None for the defaults.
    """

    queries: tuple[Composition, ...]
    options: Options
    limits: Limits | None = None

    def __post_init__(self) -> None:
        """A cursor goes on with one answer, and not every query can be read by a model."""
        if self.options.cursor is not None and len(self.queries) != 1:
            raise QueryError("cursor: it continues one search, not a batch")
        if self.options.rerank is not None:
            for_each(check_rerankable, self.queries)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What must be encoded: queries, and the sentences of passages."""
        found = [modality for query in self.queries for modality in query.modalities]
        if self.options.highlights:
            found.append(Modality.TEXT)
        return tuple(dict.fromkeys(found))

    def ask(self, engine: Engine, generation: Generation) -> list[Answer]:
        """The answers of one generation, in order, its encoder having been proven.

        Raises:
            CollectionMissing: The store no longer has the generation.
            DiptychError: As documented at the searcher.
        """
        # Made first: what cannot be answered is not encoded.
        filters = {
            target: to_filter(target, self.options.where) for target in self._to_targets(generation)
        }
        if self.options.hybrid:
            check_words(engine, generation.collection)
        cursors = [self._to_cursor(query, generation) for query in self.queries]
        generation.prove(self.modalities)
        aims = to_aims(self.queries, engine, generation, limits=self.limits)
        stages = to_stages(self.options)

        def to_inquiry(number: int) -> Inquiry:
            digest, cursor = cursors[number]
            scale = generation.scale
            return Inquiry(self.options, aims[number], filters, scale, digest, cursor, stages)

        inquiries = for_each(to_inquiry, range(len(aims)))
        return answer_all(inquiries, engine, generation.collection.name, generation.encoder)

    def _to_targets(self, generation: Generation) -> list[Modality]:
        """The modalities to ask for: those of the target that the space has."""
        space, target = generation.encoder.space, self.options.targets
        wanted = [one for one in target.modalities if one in space.modalities]
        if not wanted:
            raise UnsupportedModality(
                f"{space.model_id} encodes no {target}s, so the collection has none"
            )
        return wanted

    def _to_cursor(self, query: Composition, generation: Generation) -> tuple[str, Cursor | None]:
        terms = [(term.query, term.weight) for term in query.terms]
        digest = to_digest(terms, self.options, generation.mark)
        given = self.options.cursor
        return digest, None if given is None else from_text(given, digest)
