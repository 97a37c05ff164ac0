"""One collection of an embedded index, open: ``qdrant_client``'s models on an ``EdgeShard``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qdrant_edge
from qdrant_client import models
from qdrant_edge import UpdateOperation

from ingest.store.embedded import room
from ingest.store.embedded.config import (
    SEARCH_EF,
    optimizers_of,
    to_edge_config,
    to_edge_index,
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
)
from ingest.store.embedded.room import check_room
from ingest.store.vectors import check_points, check_vector, to_query_vector
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
            [to_edge_id(point_id) for point_id in ids], to_edge_fields(fields), with_vectors
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
                with_vector=bool(request.with_vector),
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
            StoreRejected: A query is no plain vector.
        """
        batch = [self._to_edge_query(request, number) for number, request in enumerate(requests)]
        answers = self._edge.query_batch(qdrant_edge.QueryBatchRequest(batch))
        return [[from_edge_scored(point) for point in answer] for answer in answers]

    def is_worth_indexing(self) -> bool:
        """Whether more vectors are scanned than the collection's threshold allows."""
        info = self._edge.info()
        scanned = info.points_count - info.indexed_vectors_count
        scanned_kb = scanned * self.dimension * _BYTES_PER_FLOAT / _BYTES_PER_KB
        threshold_kb = optimizers_of(self._config).indexing_threshold or 0  # 0: never
        return 0 < threshold_kb < scanned_kb

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
        vector = to_query_vector(request, number)
        check_vector(vector, self.dimension, f"query {number}")
        return qdrant_edge.QueryRequest(
            limit=_positive(request.limit, "limit"),
            offset=request.offset or 0,
            query=qdrant_edge.Query.Nearest(vector),
            filter=to_edge_filter(request.filter),
            with_payload=to_edge_fields(request.with_payload or False),
            with_vector=bool(request.with_vector),
            score_threshold=request.score_threshold,
            params=_to_edge_params(request.params),
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


def _to_edge_params(params: models.SearchParams | None) -> qdrant_edge.SearchParams:
    if params is None:
        return qdrant_edge.SearchParams(hnsw_ef=SEARCH_EF)
    rescore = params.quantization
    return qdrant_edge.SearchParams(
        hnsw_ef=params.hnsw_ef or SEARCH_EF,
        exact=bool(params.exact),
        indexed_only=bool(params.indexed_only),
        quantization=None
        if rescore is None
        else qdrant_edge.QuantizationSearchParams(
            ignore=bool(rescore.ignore),
            rescore=rescore.rescore,
            oversampling=rescore.oversampling,
        ),
    )
