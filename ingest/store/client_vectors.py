"""Vectors of a ``QdrantClient``: sparse ones written, dense ones returned."""

# ruff: noqa: D102 - the methods are documented in Engine

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from ingest.store.sparse import DENSE, SparseEngine, check_updates, to_dense
from ingest.store.translate import translated
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qdrant_client import QdrantClient, models

    Point = TypeVar("Point", models.Record, models.ScoredPoint)


class ClientVectors(SparseEngine):
    """The half of an engine on a client that changes sparse vectors.

    Args:
        client: Connected.
        address: Where the store is, for messages.

    Attributes:
        address: Likewise.
    """

    def __init__(self, client: QdrantClient, address: str) -> None:
        """Take the client over."""
        self._client = client
        self.address = address

    @translated
    def create_vector_name(
        self,
        collection_name: str,
        vector_name: str,
        vector_name_config: models.SparseVectorNameConfig,
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        try:
            return self._client.create_vector_name(
                collection_name, vector_name, vector_name_config, wait=wait
            )
        except NotImplementedError as error:
            raise StoreRejected(f"{self.address}: vectors cannot be added in memory") from error

    @translated
    def update_vectors(
        self, collection_name: str, points: Sequence[models.PointVectors], *, wait: bool = True
    ) -> models.UpdateResult:
        check_updates(points)
        return self._client.update_vectors(collection_name, list(points), wait=wait)


def to_selector(*, with_vectors: bool) -> bool | list[str]:
    """Which vectors are asked for: the dense one, or none."""
    return [DENSE] if with_vectors else False


def to_plain_vectors(points: list[Point]) -> list[Point]:
    """The points, the dense vector of each as a plain list, in place."""
    for point in points:
        point.vector = cast("list[float] | None", to_dense(point.vector))
    return points


def clamp_scores(points: Iterable[models.ScoredPoint]) -> None:
    """Undo the rounding that makes a vector's cosine with itself 1.0000001, in place."""
    for point in points:
        point.score = min(1.0, max(-1.0, point.score))
