"""The vectors of candidates, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.collection import read_vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from search.calibration import Scale
    from search.ranking import Candidate


def to_matrix(candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    """Their points' vectors: shape ``(len(candidates), dimension)``, float32, unit length.

    Args:
        candidates: At least one; found with their vectors.
    """
    return np.array([read_vector(one.point) for one in candidates], dtype=np.float32)


def to_centred(candidates: Sequence[Candidate], scale: Scale | None) -> NDArray[np.float32]:
    """Their vectors, each without what all of its modality have in common, at unit length.

    Modalities lie in cones of their own, so the cosine of an image and a text is low, and that of
    two images high, whatever they show. Without the mean of its modality a vector says what sets
    its item apart, and cosines of any two may be compared.

    Args:
        candidates: At least one; found with their vectors.
        scale: Has the means; a modality without one stays as it is.

    Returns:
        Shape ``(len(candidates), dimension)``, float32; a row that is the mean itself is 0.
    """
    rows = to_matrix(candidates)
    means = scale.means if scale else {}
    for modality, mean in means.items():
        own = np.array([one.modality is modality for one in candidates])
        rows[own] -= mean
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    centred: NDArray[np.float32] = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return centred
