"""Fit the plane that a collection's map is drawn on, see :mod:`schemas.projection`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from schemas.records import Modality

_LEAST_VARIANCE: Final = 1e-9


def fit_projection(vectors: Mapping[Modality, NDArray[np.float64]]) -> Projection | None:
    """The two principal components of all modalities together, each without its mean.

    Every modality weighs the same, however many points were sampled of it. The sign of an axis,
    which means nothing, is such that its largest component is positive: a map fitted again is not
    mirrored.

    Args:
        vectors: Modality -> shape ``(n, dimension)``.

    Returns:
        None where the points do not span a plane.
    """
    if not vectors:
        return None
    means = {modality: rows.mean(axis=0) for modality, rows in vectors.items()}
    centred = [(rows - means[modality]) / np.sqrt(len(rows)) for modality, rows in vectors.items()]
    stacked = np.concatenate(centred)
    if min(stacked.shape) < 2:  # noqa: PLR2004 - a plane
        return None
    _, scales, rows = np.linalg.svd(stacked, full_matrices=False)
    if scales[1] ** 2 < _LEAST_VARIANCE:
        return None
    first, second = (tuple((axis * _to_sign(axis)).tolist()) for axis in rows[:2])
    return Projection(
        (first, second), {modality: tuple(mean.tolist()) for modality, mean in means.items()}
    )


def _to_sign(axis: NDArray[np.float64]) -> float:
    return float(np.sign(axis[np.abs(axis).argmax()]))
