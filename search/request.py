"""One search as it was asked for, ready to be put to any generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import QueryError, UnsupportedModality
from search.filters import to_filter
from search.query import encode_query
from search.ranking import interleave, to_hits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ingest.decode.limits import Limits
    from ingest.store.engine import Engine
    from schemas.query import Hit, Query, Target, Where
    from schemas.records import Modality
    from search.generation import Generation

MAX_TOP_K = 10_000
"""The longest answer; more is a listing, not a search."""

DOCUMENT_FIELD = "source_uri"
"""Hits with the same value here are chunks of one document."""


@dataclass(frozen=True, slots=True)
class Request:
    """What :meth:`search.searcher.Searcher.search` was called with.

    Attributes:
        query: What is searched with.
        target: Which modality is searched for.
        where: Conditions that must all hold.
        top_k: Length of the answer at most.
        all_chunks: Whether every chunk gets its own hit.
        score_threshold: The lowest cosine; None for any.
        limits: Over which an image query is refused; None for the defaults.
    """

    query: Query
    target: Target
    where: Where | Sequence[Where] | None
    top_k: int
    all_chunks: bool
    score_threshold: float | None
    limits: Limits | None

    def ask(self, engine: Engine, generation: Generation) -> tuple[Hit, ...]:
        """The hits in one generation, its encoder having been proven for the query.

        Raises:
            CollectionMissing: The store no longer has the generation.
            DiptychError: As documented at the searcher.
        """
        modalities = self._modalities(generation)
        options = [self._to_options(modality) for modality in modalities]
        generation.prove([self.query.modality])
        vector = encode_query(self.query, generation.encoder, limits=self.limits).tolist()
        ask = _ask_chunks if self.all_chunks else _ask_documents
        name = generation.collection.name
        answers = [
            to_hits(ask(engine, name, vector, option), self.query.text) for option in options
        ]
        return tuple(answers[0]) if len(answers) == 1 else interleave(answers, self.top_k)

    def _modalities(self, generation: Generation) -> list[Modality]:
        """The modalities to ask for: those of the target that the space has."""
        space = generation.encoder.space
        wanted = [one for one in self.target.modalities if one in space.modalities]
        if not wanted:
            raise UnsupportedModality(
                f"{space.model_id} encodes no {self.target}s, so the collection has none"
            )
        return wanted

    def _to_options(self, modality: Modality) -> dict[str, Any]:
        """What every engine is asked with besides the vector."""
        filter_ = to_filter(modality, self.where)
        top_k: object = self.top_k
        is_count = isinstance(top_k, int) and not isinstance(top_k, bool)
        if not (is_count and top_k in range(1, MAX_TOP_K + 1)):
            raise QueryError(f"top_k is a whole number from 1 to {MAX_TOP_K:,}, not {top_k!r}")
        threshold = self.score_threshold
        if threshold is not None and not -1 <= threshold <= 1:
            raise QueryError(f"score_threshold is a cosine from -1 to 1, not {threshold!r}")
        return {"query_filter": filter_, "limit": top_k, "score_threshold": threshold}


def _ask_chunks(
    engine: Engine, name: str, vector: list[float], options: Mapping[str, Any]
) -> list[Any]:
    """The nearest points of the store."""
    return engine.query_points(name, vector, **options).points


def _ask_documents(
    engine: Engine, name: str, vector: list[float], options: Mapping[str, Any]
) -> list[Any]:
    """The nearest point of each of the nearest documents."""
    groups = engine.query_points_groups(
        name, DOCUMENT_FIELD, vector, group_size=1, **options
    ).groups
    return [group.hits[0] for group in groups]
