"""What is asked of the words of points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.words import to_query_weights

if TYPE_CHECKING:
    from qdrant_client import models


def to_sparse_query(text: str) -> models.SparseVector | None:
    """The sparse vector whose product with a point's is BM25; None for a text without words."""
    from schemas.vectors import to_sparse_vector

    words = to_query_weights(text)
    return to_sparse_vector(words) if words.indices else None
