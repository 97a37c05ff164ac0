"""Points, ids and payload selections, in ``qdrant_client``'s models and in ``qdrant_edge``'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import qdrant_edge
from qdrant_client import models

from ingest.store.sparse import DENSE, to_dense

if TYPE_CHECKING:
    from ingest.store.engine import PayloadFields


def to_edge_id(point_id: models.ExtendedPointId) -> int | UUID:
    """An id as ``qdrant_edge`` takes it.

    Raises:
        ValueError: It is neither an unsigned integer nor a UUID.
    """
    if isinstance(point_id, int) and not 0 <= point_id < 2**64:
        raise ValueError(f"point id {point_id} is neither an unsigned 64-bit integer nor a UUID")
    if isinstance(point_id, str):
        try:
            return UUID(point_id)
        except ValueError:
            raise ValueError(f"point id {point_id!r} is neither an integer nor a UUID") from None
    return point_id


def from_edge_id(point_id: int | str | UUID) -> int | str:
    """An id as ``qdrant_client`` gives it."""
    return point_id if isinstance(point_id, int) else str(point_id)


def to_edge_point(point: models.PointStruct) -> qdrant_edge.Point:
    """A point with vectors that :mod:`ingest.store.vectors` has checked.

    Raises:
        ValueError: The id is malformed, or the payload holds a NaN.
        TypeError: The payload holds what JSON has no word for.
    """
    return qdrant_edge.Point(
        to_edge_id(point.id), to_edge_vector(point.vector), point.payload or {}
    )


def to_edge_vector(vector: object) -> Any:  # noqa: ANN401 - a union of all vector kinds
    """A dense vector, or one with sparse vectors by name."""
    if not isinstance(vector, dict):
        return vector
    return {
        name: to_edge_sparse(one) if isinstance(one, models.SparseVector) else one
        for name, one in vector.items()
    }


def to_edge_sparse(vector: models.SparseVector) -> qdrant_edge.SparseVector:
    """A sparse vector."""
    return qdrant_edge.SparseVector(vector.indices, vector.values)


def to_edge_selector(*, with_vectors: bool) -> bool | list[str]:
    """Which vectors are asked for: the dense one, or none."""
    return [DENSE] if with_vectors else False


def to_edge_fields(fields: PayloadFields) -> bool | list[str] | qdrant_edge.PayloadSelector:
    """Which payload fields to return."""
    match fields:
        case models.PayloadSelectorInclude(include=names):
            return qdrant_edge.PayloadSelector.Include(names)
        case models.PayloadSelectorExclude(exclude=names):
            return qdrant_edge.PayloadSelector.Exclude(names)
        case _:
            return fields


def from_edge_record(record: qdrant_edge.Record) -> models.Record:
    """A point that was retrieved or scrolled to."""
    return models.Record(
        id=from_edge_id(record.id), payload=record.payload, vector=_plain(record.vector)
    )


def from_edge_scored(point: qdrant_edge.ScoredPoint, *, is_cosine: bool) -> models.ScoredPoint:
    """A point that was searched for; its cosine without the rounding that leaves [-1, 1].

    Args:
        point: As found.
        is_cosine: Whether its score is one; that of a sparse vector is not.
    """
    return models.ScoredPoint(
        id=from_edge_id(point.id),
        version=point.version,
        score=min(1.0, max(-1.0, point.score)) if is_cosine else point.score,
        payload=point.payload,
        vector=_plain(point.vector),
    )


def _plain(vector: Any) -> list[float] | None:  # noqa: ANN401 - a union of all vector kinds
    return cast("list[float] | None", to_dense(vector))
