"""Ask the store: for each query and modality the nearest documents, all in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from qdrant_client import models

from schemas.collection import sources_filter
from schemas.records import Modality
from search.hybrid import hybrid_search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.store.engine import Engine

DOCUMENT_FIELD: Final = "source_uri"
"""Points with the same value here are chunks of one document."""

CHUNKS_A_DOCUMENT: Final = {Modality.IMAGE: 1.25, Modality.TEXT: 2.0}
"""Points that are fetched for each document wanted: most images are documents of their own. Where
one document takes up more of the nearest, the store is asked to group them, which is exact and
takes another round trip."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to one modality.

    Attributes:
        vector: Of the query.
        modality: What is searched.
        filter: Which points are searched.
        wanted: How many documents, or chunks.
        words: What is compared word by word as well; None for nothing.
        threshold: The lowest cosine; None for any.
    """

    vector: list[float]
    modality: Modality
    filter: models.Filter
    wanted: int
    threshold: float | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A document, or a chunk, with what a store says of it.

    Attributes:
        point: Its nearest point, with payload.
        passages: Its nearest points, that one first.
        words: The point's BM25 score where words were compared and it has any.
        standing: Where words were compared, see :class:`search.hybrid.HybridPoint`.
    """

    point: models.ScoredPoint
    passages: tuple[models.ScoredPoint, ...]
    words: float | None = None
    standing: float | None = None


def find(
    engine: Engine,
    generation: str,
    asks: Sequence[Ask],
    *,
    passages: int | None,
    with_vectors: bool = False,
) -> list[list[Found]]:
    """What each question finds, nearest first or, with words, best first; equal ones by point id.

    Args:
        engine: The store.
        generation: The collection's own name.
        asks: The questions.
        passages: How many points of each document; None gives every chunk by itself.
        with_vectors: Whether the points carry their vectors.

    Raises:
        CollectionMissing: The store no longer has the generation.
        StoreError: The store failed.
    """
    if any(ask.words is not None for ask in asks):
        return [_find_both(engine, generation, ask, passages, with_vectors) for ask in asks]
    if passages is not None and passages > 1:
        return [_find_groups(engine, generation, ask, passages, with_vectors) for ask in asks]
    limits = [ask.wanted if passages is None else _to_width(ask) for ask in asks]
    requests = [
        _to_request(ask, limit, with_vectors=with_vectors)
        for ask, limit in zip(asks, limits, strict=True)
    ]
    answers = [one.points for one in engine.query_batch_points(generation, requests)]
    if passages is None:
        return [[_to_found([point]) for point in _in_order(points)] for points in answers]
    return [
        _find_best(engine, generation, ask, points, with_vectors)
        for ask, points in zip(asks, answers, strict=True)
    ]


def without_sources(filter_: models.Filter, source_uris: Sequence[str]) -> models.Filter:
    """The filter without the points of some items."""
    if not source_uris:
        return filter_
    return models.Filter(must=[filter_], must_not=[sources_filter(source_uris)])


def _to_request(ask: Ask, limit: int, *, with_vectors: bool) -> models.QueryRequest:
    return models.QueryRequest(
        query=ask.vector,
        filter=ask.filter,
        limit=limit,
        score_threshold=ask.threshold,
        with_payload=True,
        with_vector=with_vectors,
    )


def _to_width(ask: Ask) -> int:
    return ceil(CHUNKS_A_DOCUMENT[ask.modality] * ask.wanted)


def _find_best(
    engine: Engine,
    generation: str,
    ask: Ask,
    points: Sequence[models.ScoredPoint],
    with_vectors: bool,  # noqa: FBT001 - passed on
) -> list[Found]:
    """The best point of each document, from the nearest points if they hold enough documents."""
    best: dict[Any, models.ScoredPoint] = {}
    for point in _in_order(points):
        best.setdefault((point.payload or {})[DOCUMENT_FIELD], point)
    is_everything = len(points) < _to_width(ask)
    if len(best) < ask.wanted and not is_everything:
        return _find_groups(engine, generation, ask, 1, with_vectors)
    return [_to_found([point]) for point in list(best.values())[: ask.wanted]]


def _find_groups(
    engine: Engine,
    generation: str,
    ask: Ask,
    passages: int,
    with_vectors: bool,  # noqa: FBT001 - passed on
) -> list[Found]:
    groups = engine.query_points_groups(
        generation,
        DOCUMENT_FIELD,
        ask.vector,
        query_filter=ask.filter,
        limit=ask.wanted,
        group_size=passages,
        with_payload=True,
        with_vectors=with_vectors,
        score_threshold=ask.threshold,
    ).groups
    found = [_to_found(_in_order(group.hits)) for group in groups]
    return sorted(found, key=lambda one: _key(one.point))


def _find_both(
    engine: Engine,
    generation: str,
    ask: Ask,
    passages: int | None,
    with_vectors: bool,  # noqa: FBT001 - passed on
) -> list[Found]:
    """What is found by the vector and by words."""
    points = hybrid_search(
        engine,
        generation,
        ask.vector,
        ask.words or "",
        query_filter=ask.filter,
        limit=ask.wanted,
        group_by=None if passages is None else DOCUMENT_FIELD,
        group_size=passages or 1,
        with_vectors=with_vectors,
        score_threshold=ask.threshold,
    )
    return [Found(one.point, one.passages, one.words, one.standing) for one in points]


def _to_found(points: Sequence[models.ScoredPoint]) -> Found:
    return Found(points[0], tuple(points))


def _in_order(points: Sequence[models.ScoredPoint]) -> list[models.ScoredPoint]:
    return sorted(points, key=_key)


def _key(point: models.ScoredPoint) -> tuple[float, str]:
    return -point.score, str(point.id)
