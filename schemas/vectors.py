"""The vectors of a point: a dense one without a name, and the sparse one of its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qdrant_client import models

from schemas.words import WORDS, to_document_weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.space import EmbeddingSpace
    from schemas.words import TermWeights


def vector_params(space: EmbeddingSpace) -> models.VectorParams:
    """One unnamed dense vector, compared by cosine."""
    return models.VectorParams(size=space.dimension, distance=models.Distance.COSINE)


def sparse_vector_params() -> dict[str, models.SparseVectorParams]:
    """One named sparse vector, its values times how rare each term is at the time of a search."""
    return {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)}


def to_vectors(vector: list[float], texts: Iterable[str]) -> models.VectorStruct:
    """The dense vector of a point, beside its words where it has any."""
    words = to_document_weights(texts)
    return {"": vector, WORDS: to_sparse_vector(words)} if words.indices else vector


def to_sparse_vector(words: TermWeights) -> models.SparseVector:
    """The same, in Qdrant's words; unchecked, since it is of our own making."""
    return models.SparseVector.model_construct(indices=words.indices, values=words.values)
