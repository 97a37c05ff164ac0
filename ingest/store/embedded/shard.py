"""One collection of an embedded index, open: ``qdrant_client``'s models on an ``EdgeShard``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qdrant_edge
from qdrant_client import models
from qdrant_edge import UpdateOperation

from ingest.store.embedded import room
from ingest.store.embedded.config import (
    optimizers_of,
    to_edge_config,
    to_edge_index,
    to_edge_modifier,
    to_edge_params,
    to_effort,
    vectors_of,
)
from ingest.store.embedded.filters import to_edge_filter
from ingest.store.embedded.points import (
    from_edge_id,
    from_edge_record,
    from_edge_scored,
    to_edge_fields,
    to_edge_id,
    to_edge_point,
    to_edge_selector,
    to_edge_sparse,
    to_edge_vector,
)
from ingest.store.embedded.room import check_room
from ingest.store.sparse import check_updates
from ingest.store.vectors import check_points, check_request
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ingest.store.engine import PayloadFields, PointsSelector
    from schemas.payload_indexes import PayloadIndex

_BYTES_PER_FLOAT = 4
_BYTES_PER_KB = 1024


class Shard:
    """An open collection; the caller holds the folder's lock and calls one method at a time.

    Args:
        folder: Of ``qdrant_edge``.
        config: Of the collection.
        edge: The open shard.
    """

    def __init__(
        self, folder: Path, config: models.CreateCollection, edge: qdrant_edge.EdgeShard
    ) -> None:
        """Take the open shard over."""
        self.folder = folder
        self.dimension = vectors_of(config).size
        self._config = config
        self._edge = edge
        # For as long as it is open: an index is built elsewhere, and the shard opened anew.
        self._effort = to_effort(edge.info().points_count)

    @classmethod
    def create(cls, folder: Path, config: models.CreateCollection) -> Shard:
        """A new, empty shard in an empty folder.

        Raises:
            StoreError: The disk is full.
        """
        check_room(folder, room.WRITING_BYTES)
        edge = qdrant_edge.EdgeShard.create(str(folder), to_edge_config(config))
        return cls(folder, config, edge)

    @classmethod
    def load(cls, folder: Path, config: models.CreateCollection) -> Shard:
        """A shard as it was left, with what its write-ahead log still holds.

        Raises:
            StoreRejected: Its files are damaged.
            StoreError: The disk is full.
        """
        check_room(folder, room.OPENING_BYTES)
        try:
            edge = qdrant_edge.EdgeShard.load(str(folder))
        except Exception as error:
            raise StoreRejected(
                f"{folder} cannot be opened ({error}); restore the index from a copy, or remove "
                f"the index folder and ingest again"
            ) from error
        return cls(folder, config, edge)

    def info(self) -> qdrant_edge.ShardInfo:
        """Counts and payload indexes."""
        return self._edge.info()

    def create_index(self, field: str, index: PayloadIndex) -> None:
        """Index a payload field; indexing it again in the same way changes nothing."""
        self._edge.update(UpdateOperation.create_field_index(field, to_edge_index(index)))

    def upsert(self, points: Sequence[models.PointStruct]) -> None:
        """Write points, all or none.

        Raises:
            InvalidVector: See :func:`~ingest.store.vectors.check_points`.
            StoreRejected: A point has a malformed id or a payload that is not JSON; names it.
            StoreError: The disk is full.
        """
        check_points(points, self.dimension)
        check_room(self.folder, room.WRITING_BYTES)
        self._edge.update(UpdateOperation.upsert_points([_converted(point) for point in points]))

    def create_sparse_vector(
        self, name: str, modifier: models.Modifier | None
    ) -> models.CreateCollection:
        """Add a named sparse vector; one that is there stays. Gives the new configuration."""
        kind = to_edge_modifier(modifier)
        self._edge.update(UpdateOperation.create_sparse_vector(name, modifier=kind))
        self._edge.flush()
        added = {name: models.SparseVectorParams(modifier=modifier)}
        known = self._config.sparse_vectors or {}
        self._config = self._config.model_copy(update={"sparse_vectors": {**known, **added}})
        return self._config

    def update_vectors(self, points: Sequence[models.PointVectors]) -> None:
        """Replace sparse vectors of points.

        Raises:
            InvalidVector: See :func:`~ingest.store.sparse.check_updates`.
            StoreRejected: A vector is dense.
            StoreError: The disk is full.
        """
        check_updates(points)
        check_room(self.folder, room.WRITING_BYTES)
        made = [
            qdrant_edge.PointVectors(to_edge_id(point.id), to_edge_vector(point.vector))
            for point in points
        ]
        self._edge.update(UpdateOperation.update_vectors(made))

    def delete(self, selector: PointsSelector) -> None:
        """Delete points by id or filter."""
        chosen = _to_selection(selector)
        if isinstance(chosen, models.Filter):
            operation = UpdateOperation.delete_points_by_filter(_to_filter(chosen))
        else:
            operation = UpdateOperation.delete_points([to_edge_id(point) for point in chosen])
        self._edge.update(operation)

    def set_payload(self, payload: Mapping[str, Any], selector: PointsSelector) -> None:
        """Set fields on points by id or filter."""
        chosen = _to_selection(selector)
        fields = dict(payload)
        if isinstance(chosen, models.Filter):
            operation = UpdateOperation.set_payload_by_filter(_to_filter(chosen), fields)
        else:
            operation = UpdateOperation.set_payload([to_edge_id(point) for point in chosen], fields)
        self._edge.update(operation)

    def retrieve(
        self,
        ids: Sequence[models.ExtendedPointId],
        fields: PayloadFields,
        *,
        with_vectors: bool,
    ) -> list[models.Record]:
        """The points with these ids that are there."""
        records = self._edge.retrieve(
            [to_edge_id(point_id) for point_id in ids],
            to_edge_fields(fields),
            to_edge_selector(with_vectors=with_vectors),
        )
        return [from_edge_record(record) for record in records]

    def scroll(self, request: models.ScrollRequest) -> tuple[list[models.Record], int | str | None]:
        """One page in the order of the ids, and the id of the next."""
        records, following = self._edge.scroll(
            qdrant_edge.ScrollRequest(
                offset=None if request.offset is None else to_edge_id(request.offset),
                limit=_positive(request.limit, "limit"),
                filter=to_edge_filter(request.filter),
                with_payload=to_edge_fields(request.with_payload or False),
                with_vector=to_edge_selector(with_vectors=bool(request.with_vector)),
            )
        )
        page = [from_edge_record(record) for record in records]
        return page, None if following is None else from_edge_id(following)

    def count(self, count_filter: models.Filter | None, *, exact: bool) -> int:
        """How many points match."""
        request = qdrant_edge.CountRequest(exact=exact, filter=to_edge_filter(count_filter))
        return self._edge.count(request)

    def facet(self, request: models.FacetRequest) -> list[models.FacetValueHit]:
        """The most frequent values of a field, equal counts by value."""
        found = self._edge.facet(
            qdrant_edge.FacetRequest(
                request.key,
                _positive(request.limit, "limit"),
                bool(request.exact),
                to_edge_filter(request.filter),
            )
        )
        return [models.FacetValueHit(value=hit.value, count=hit.count) for hit in found.hits]

    def query(self, requests: Sequence[models.QueryRequest]) -> list[list[models.ScoredPoint]]:
        """Answer requests in one pass, in their order.

        Raises:
            InvalidVector: A query is zero, not finite or of another dimension.
            StoreRejected: A query is neither a plain vector nor a sparse one.
        """
        batch = [self._to_edge_query(request, number) for number, request in enumerate(requests)]
        answers = self._edge.query_batch(qdrant_edge.QueryBatchRequest(batch))
        return [
            [from_edge_scored(point, is_cosine=not request.using) for point in answer]
            for request, answer in zip(requests, answers, strict=True)
        ]

    def is_worth_indexing(self) -> bool:
        """Whether more vectors are scanned than the collection's threshold allows."""
        info = self._edge.info()
        scanned = info.points_count - (info.indexed_vectors_count - self._count_sparse())
        scanned_kb = scanned * self.dimension * _BYTES_PER_FLOAT / _BYTES_PER_KB
        threshold_kb = optimizers_of(self._config).indexing_threshold or 0  # 0: never
        return 0 < threshold_kb < scanned_kb

    def _count_sparse(self) -> int:
        """How many of the vectors that count as indexed are sparse: all, as these always are."""
        named = [qdrant_edge.HasVectorCondition(name) for name in self._config.sparse_vectors or {}]
        filters = [qdrant_edge.Filter(must=[one]) for one in named]
        return sum(self._edge.count(qdrant_edge.CountRequest(filter=one)) for one in filters)

    def flush(self) -> None:
        """Make every write so far survive a loss of power."""
        self._edge.flush()

    def close(self) -> None:
        """Flush and close."""
        self._edge.flush()
        self._edge.close()

    def discard(self) -> None:
        """Close what is about to be removed."""
        self._edge.close()

    def _to_edge_query(self, request: models.QueryRequest, number: int) -> qdrant_edge.QueryRequest:
        vector = check_request(request, number, self.dimension)
        asked = vector if isinstance(vector, list) else to_edge_sparse(vector)
        return qdrant_edge.QueryRequest(
            limit=_positive(request.limit, "limit"),
            offset=request.offset or 0,
            query=qdrant_edge.Query.Nearest(asked, using=request.using),
            filter=to_edge_filter(request.filter),
            with_payload=to_edge_fields(request.with_payload or False),
            with_vector=to_edge_selector(with_vectors=bool(request.with_vector)),
            score_threshold=request.score_threshold,
            params=to_edge_params(request.params, self._effort),
        )


def _converted(point: models.PointStruct) -> qdrant_edge.Point:
    try:
        return to_edge_point(point)
    except (TypeError, ValueError) as error:
        raise StoreRejected(
            f"point {point.id}: {error}; an id is an integer or a UUID, a payload is JSON"
        ) from error


def _to_selection(selector: PointsSelector) -> models.Filter | list[models.ExtendedPointId]:
    match selector:
        case models.FilterSelector(filter=chosen):
            return chosen
        case models.PointIdsList(points=ids):
            return ids
        case _:
            return selector


def _to_filter(chosen: models.Filter) -> qdrant_edge.Filter:
    converted = to_edge_filter(chosen)
    assert converted is not None  # noqa: S101 - only None gives None
    return converted


def _positive(number: int | None, name: str) -> int:
    """Qdrant's default of 10, or the number; a server refuses what is below 1."""
    if number is not None and number < 1:
        raise StoreRejected(f"{name} {number}: must be 1 or more")
    return 10 if number is None else number
