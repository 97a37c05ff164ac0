"""What no store checks: a zero or non-finite vector would be stored and never be found again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from ingest.store.sparse import check_sparse, to_dense, to_sparse_vectors
from schemas.errors import InvalidVector, StoreRejected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qdrant_client import models

MIN_NORM = 1e-3
"""Qdrant leaves a vector as it is when its squared length is below float32's epsilon (1.2e-7)
instead of scaling it to unit length: its cosines would all be near zero."""

MAX_NORM = 1e18
"""Beyond it the squares that a cosine is made of leave float32."""


def check_points(points: Iterable[models.PointStruct], dimension: int | None = None) -> None:
    """Refuse a batch that holds a vector that could not be found again.

    Args:
        points: With one unnamed dense vector each, and any sparse ones.
        dimension: What every vector must have, where it is known.

    Raises:
        InvalidVector: A vector is zero, not finite or of another dimension; names the point.
        StoreRejected: A point has no dense vector, or one of another kind.
    """
    for point in points:
        owner = f"point {point.id}"
        check_vector(_to_plain(to_dense(point.vector), owner), dimension, owner)
        to_sparse_vectors(point.vector, owner)


def check_vector(vector: list[float], dimension: int | None, owner: str) -> None:
    """Refuse a vector that has no direction or the wrong dimension.

    Args:
        vector: One vector.
        dimension: What it must have, where it is known.
        owner: Whose vector it is, for the message.

    Raises:
        InvalidVector: It is zero, not finite or of another dimension.
    """
    if dimension is not None and len(vector) != dimension:
        raise InvalidVector(
            f"{owner}: vector dimension error: expected dim: {dimension}, got {len(vector)}; "
            f"it is of another model's space"
        )
    norm = math.hypot(*vector)
    if not MIN_NORM <= norm <= MAX_NORM:  # NaN compares false as well
        raise InvalidVector(
            f"{owner}: its vector has the length {norm:g} instead of 1, so it could be stored but "
            f"never found again; leave the item out or encode it anew"
        )


def check_requests(requests: Iterable[models.QueryRequest], dimension: int | None = None) -> None:
    """Refuse a batch of queries that holds one which could find nothing.

    Args:
        requests: With a vector as the query each.
        dimension: What every vector must have, where it is known.

    Raises:
        InvalidVector: A vector is zero, not finite or of another dimension; says which.
        StoreRejected: A query is not a plain vector.
    """
    for number, request in enumerate(requests):
        check_request(request, number, dimension)


def check_request(
    request: models.QueryRequest, number: int, dimension: int | None
) -> list[float] | models.SparseVector:
    """The checked vector that a request asks with, see :func:`check_requests`."""
    vector = to_query_vector(request, number)
    if isinstance(vector, list):
        check_vector(vector, dimension, f"query {number}")
    else:
        check_sparse(vector, f"query {number}")
    return vector


def to_query_vector(request: models.QueryRequest, number: int) -> list[float] | models.SparseVector:
    """The vector that a request asks with: a sparse one of a name, or a dense one.

    Raises:
        StoreRejected: It asks with something else, or for more than a plain search.
    """
    owner = f"query {number}"
    asked = getattr(request.query, "nearest", request.query)
    is_sparse = bool(request.using) and not isinstance(asked, list) and hasattr(asked, "indices")
    unknown = ("prefetch", "lookup_from") if is_sparse else ("prefetch", "using", "lookup_from")
    extras = [name for name in unknown if getattr(request, name)]
    if extras:
        raise StoreRejected(f"{owner}: {', '.join(extras)} is not understood by every engine")
    return cast("models.SparseVector", asked) if is_sparse else _to_plain(asked, owner)


def _to_plain(vector: object, owner: str) -> list[float]:
    """The vector, if it is one plain dense vector."""
    if isinstance(vector, list) and vector and isinstance(vector[0], float | int):
        return vector
    raise StoreRejected(f"{owner}: expected one plain dense vector, got {type(vector).__name__}")


def check_distance(collection_name: str, vectors_config: models.VectorParams) -> None:
    """Refuse a collection whose scores would not be cosines.

    Raises:
        StoreRejected: The distance is another.
    """
    if vectors_config.distance.value != "Cosine":
        raise StoreRejected(
            f"collection {collection_name}: distance {vectors_config.distance.value}; "
            f"Diptych compares by cosine only"
        )
