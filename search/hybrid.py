"""The nearest points by meaning and by words at once, see :mod:`search.fusion`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from qdrant_client import models

from schemas.errors import QueryError
from schemas.words import WORD_FIELDS, WORDS, WORDS_VERSION, has_words
from search.fusion import (
    WORDS_WEIGHT,
    Standing,
    from_meaning,
    fuse,
    to_least_best,
    to_meaning,
)
from search.lexical import to_sparse_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine

CANDIDATES: Final = 100
"""Points taken from either ranking, at least. An answer of no more than this is cut from the same
order, however long it is."""

_SHORT_FIELDS: Final = ["modality", *(name for name in WORD_FIELDS if name != "text")]
"""What tells whether a point has words; a passage, which has, would be most of an answer."""

GROWTH: Final = 4
"""How many times more are taken when too few groups are among them."""


@dataclass(frozen=True, slots=True)
class HybridPoint:
    """One answer.

    Attributes:
        point: With its payload; its score is the raw cosine.
        words: Its BM25 score, 0 where no word of the query matches; None for a point without words.
        standing: By which the answer is ordered: the cosine that would have put the point where
            its words have put it. Calibrated like a cosine, it compares across modalities.
        passages: Where points are grouped, the best points of its group, this one first.
    """

    point: models.ScoredPoint
    words: float | None
    standing: float
    passages: tuple[models.ScoredPoint, ...] = ()


def check_words(engine: Engine, collection: ConcreteCollection) -> None:
    """Refuse a collection whose points have no words yet.

    Args:
        engine: Asked only if the collection had none when its metadata was read.
        collection: A generation.

    Raises:
        QueryError: It was made by an earlier version and not synchronised since.
    """
    said = collection.metadata
    if said.get(WORDS) != WORDS_VERSION:
        said = engine.read_metadata(collection.name)
    if said.get(WORDS) != WORDS_VERSION:
        raise QueryError(
            f"collection {collection.name!r} was made before points had words, so it has no hybrid "
            "search yet: run diptych sync on one of its roots (words are added to every point and "
            "nothing is encoded), or build it anew with diptych migrate"
        )


def hybrid_search(  # noqa: PLR0913 - the first four are the query, the rest as for query_points
    engine: Engine,
    collection_name: str,
    vector: list[float],
    text: str,
    *,
    query_filter: models.Filter | None = None,
    limit: int = 10,
    group_by: str | None = None,
    group_size: int = 1,
    with_vectors: bool = False,
    score_threshold: float | None = None,
    weight: float = WORDS_WEIGHT,
) -> list[HybridPoint]:
    """The best points by a vector and by words, best first.

    It takes two round trips for the candidates and their missing scores, one for how many points
    there are and one for the payloads.

    Args:
        engine: Where the collection is.
        collection_name: Its own name; see :func:`check_words`.
        vector: Of the query.
        text: Its words.
        query_filter: Which points are searched: of one modality, since cosines of several are not
            comparable.
        limit: How many points, or groups, at most.
        group_by: A payload field; points with the same value are one answer.
        group_size: How many points of a group are given, of those that are among the candidates.
        with_vectors: Whether to return the vectors.
        score_threshold: Leave out points of a lower cosine, however well their words match.
        weight: Of the words, see :func:`search.fusion.fuse`.

    Returns:
        Equal standings by cosine, then by id.

    Raises:
        InvalidVector: See :meth:`~ingest.store.engine.Engine.query_points`.
        StoreError: The store failed, or the collection has no words.
    """
    search = _Search(
        engine, collection_name, vector, to_sparse_query(text), query_filter, score_threshold
    )
    fields = [*_SHORT_FIELDS, group_by] if group_by else _SHORT_FIELDS
    least_best = to_least_best(engine.count(collection_name, exact=False).count)
    width = max(CANDIDATES, limit)
    while True:
        found = search.gather(width, fields)
        groups = _to_groups(found.to_order(weight, least_best), group_by)
        if len(groups) >= limit or found.is_everything:
            chosen = [group[:group_size] for group in groups[:limit]]
            return _fill(engine, collection_name, chosen, with_vectors=with_vectors)
        width *= GROWTH


@dataclass(slots=True)
class _Candidates:
    """Points of either ranking, by id.

    Attributes:
        points: With some of their payload.
        cosines: Of those that are not below the threshold.
        words: BM25 of those that match.
        nearest: Cosines of the nearest points.
        is_everything: Whether there are no more.
    """

    points: dict[Any, models.ScoredPoint] = field(default_factory=dict)
    cosines: dict[Any, float] = field(default_factory=dict)
    words: dict[Any, float] = field(default_factory=dict)
    nearest: list[float] = field(default_factory=list)
    is_everything: bool = False

    def to_order(self, weight: float, least_best: float) -> list[HybridPoint]:
        """Best first."""
        ids = [one for one in self.points if one in self.cosines]
        cosines = [self.cosines[one] for one in ids]
        said = [self._to_words(one) for one in ids]
        meanings = to_meaning(cosines, self.nearest)
        fused = fuse(
            [Standing(*both) for both in zip(meanings, said, strict=True)],
            weight=weight,
            least_best=least_best,
        )
        points = [
            HybridPoint(
                self.points[one].model_copy(update={"score": self.cosines[one]}),
                words,
                from_meaning(score, self.nearest),
            )
            for one, words, score in zip(ids, said, fused, strict=True)
        ]
        return sorted(points, key=lambda one: (-one.standing, -one.point.score, str(one.point.id)))

    def _to_words(self, point_id: models.ExtendedPointId) -> float | None:
        if point_id in self.words:
            return self.words[point_id]
        payload = self.points[point_id].payload or {}
        return 0.0 if payload.get("modality") == "text" or has_words(payload) else None


@dataclass(frozen=True, slots=True)
class _Search:
    """What is asked of the store."""

    engine: Engine
    name: str
    vector: list[float]
    words: models.SparseVector | None
    query_filter: models.Filter | None
    threshold: float | None

    def gather(self, width: int, fields: Sequence[str]) -> _Candidates:
        """Candidates with both scores of each."""
        listed = {"limit": width, "filter": self.query_filter, "with_payload": list(fields)}
        nearest, matching = self._ask(listed, listed)
        found = _Candidates(
            points={point.id: point for point in [*nearest, *matching]},
            cosines={point.id: point.score for point in nearest},
            words={point.id: point.score for point in matching},
            nearest=[point.score for point in nearest],
            is_everything=len(nearest) < width and len(matching) < width,
        )
        self._complete(found, all_match=len(matching) < width)
        return found

    def _complete(self, found: _Candidates, *, all_match: bool) -> None:
        """Ask for the scores that one ranking lacks of what the other one found."""
        far = found.words.keys() - found.cosines.keys()
        silent = set() if all_match else found.cosines.keys() - found.words.keys()
        near, matching = self._ask(_to_request(far), _to_request(silent))
        found.cosines.update((point.id, point.score) for point in near)
        found.words.update((point.id, point.score) for point in matching)

    def _ask(
        self, by_meaning: Mapping[str, Any] | None, by_words: Mapping[str, Any] | None
    ) -> tuple[list[models.ScoredPoint], list[models.ScoredPoint]]:
        """Both rankings in one round trip; one that is not asked for is empty."""
        requests: list[models.QueryRequest] = []
        if by_meaning is not None:
            requests.append(
                models.QueryRequest(query=self.vector, score_threshold=self.threshold, **by_meaning)
            )
        if by_words is not None and self.words is not None:
            requests.append(models.QueryRequest(query=self.words, using=WORDS, **by_words))
        answers = self.engine.query_batch_points(self.name, requests) if requests else []
        lists = {bool(one.using): got.points for one, got in zip(requests, answers, strict=True)}
        return lists.get(False, []), lists.get(True, [])


def _to_request(ids: Iterable[Any]) -> dict[str, Any] | None:
    """How to ask for the scores of these points, exactly; None for none."""
    chosen = sorted(ids, key=str)
    if not chosen:
        return None
    these = models.Filter(must=[models.HasIdCondition(has_id=chosen)])
    return {"limit": len(chosen), "filter": these, "params": models.SearchParams(exact=True)}


def _to_groups(ordered: Sequence[HybridPoint], group_by: str | None) -> list[list[HybridPoint]]:
    """Points by the value of a field, groups by their best point; without a field each its own."""
    groups: dict[object, list[HybridPoint]] = {}
    for one in ordered:
        payload = one.point.payload or {}
        value = one.point.id if group_by is None else payload.get(group_by, one.point.id)
        groups.setdefault(value, []).append(one)
    return list(groups.values())


def _fill(
    engine: Engine, name: str, groups: Sequence[Sequence[HybridPoint]], *, with_vectors: bool
) -> list[HybridPoint]:
    """The first of each group with the others; points that were deleted meanwhile are left out."""
    ids = [one.point.id for group in groups for one in group]
    records = engine.retrieve(name, ids, with_vectors=with_vectors) if ids else []
    stored = {record.id: record for record in records}
    answer = []
    for group in groups:
        there = [
            replace(one, point=_with_record(one.point, stored[one.point.id]))
            for one in group
            if one.point.id in stored
        ]
        if there:
            answer.append(replace(there[0], passages=tuple(one.point for one in there)))
    return answer


def _with_record(point: models.ScoredPoint, record: models.Record) -> models.ScoredPoint:
    return point.model_copy(update={"payload": record.payload, "vector": record.vector})
