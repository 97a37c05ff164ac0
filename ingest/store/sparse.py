"""Sparse vectors: what the engine API has for them besides ``create_collection`` and the queries.

A point may have sparse vectors beside its dense one: it is then written with a dictionary of both,
the dense one under :data:`DENSE`. A collection that was made without gets one later.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

from schemas.errors import InvalidVector, StoreRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qdrant_client import models

DENSE: Final = ""
"""Qdrant's name of the vector that has none."""


class SparseEngine(Protocol):
    """The part of an engine that changes sparse vectors."""

    def create_vector_name(
        self,
        collection_name: str,
        vector_name: str,
        vector_name_config: models.SparseVectorNameConfig,
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        """Add a sparse vector to a collection that was made without it; again changes nothing.

        Raises:
            StoreRejected: The server is older than 1.18, or the index is in memory.
        """
        ...

    def update_vectors(
        self,
        collection_name: str,
        points: Sequence[models.PointVectors],
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        """Replace sparse vectors of points, by name; their other vectors and payload stay.

        Raises:
            InvalidVector: A vector is not finite.
            StoreRejected: One of the vectors is dense: these are written with their points.
        """
        ...


def to_sparse_vectors(vector: object, owner: str) -> Mapping[str, models.SparseVector]:
    """The sparse vectors of a point, by name; nothing of one that has but a dense one.

    Raises:
        InvalidVector: A vector is not finite, or its indices and values do not pair up.
        StoreRejected: One of the named vectors is of another kind.
    """
    from qdrant_client import models

    if not isinstance(vector, dict):
        return {}
    found = {name: one for name, one in vector.items() if name != DENSE}
    for name, one in found.items():
        if not isinstance(one, models.SparseVector):
            raise StoreRejected(f"{owner}: {name!r} is no sparse vector but {type(one).__name__}")
        check_sparse(one, f"{owner}: {name}")
    return found


def check_sparse(vector: models.SparseVector, owner: str) -> None:
    """Refuse a sparse vector that could not be found, or that no store takes.

    Raises:
        InvalidVector: It is empty, not finite, or its indices do not pair up with its values.
    """
    indices, values = vector.indices, vector.values
    is_paired = 0 < len(indices) == len(values) == len(set(indices))
    if not is_paired or not math.isfinite(math.fsum(values)):
        raise InvalidVector(
            f"{owner}: a sparse vector has at least one index, each once, and a finite value each"
        )


def to_dense(vector: object) -> object:
    """The dense one of a point's vectors, as an answer has them."""
    return vector.get(DENSE) if isinstance(vector, dict) else vector


def check_updates(points: Iterable[models.PointVectors]) -> None:
    """Refuse updates that would replace a dense vector, or that no store takes.

    Raises:
        InvalidVector: See :func:`to_sparse_vectors`.
        StoreRejected: A vector is dense.
    """
    for point in points:
        if not isinstance(point.vector, dict) or DENSE in point.vector:
            raise StoreRejected(f"point {point.id}: a dense vector is written with its point")
        to_sparse_vectors(point.vector, f"point {point.id}")
