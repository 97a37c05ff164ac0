"""Regularised canonical correlation analysis: directions of both sides that vary together.

Hotelling 1936; regularised as in Vinod 1976; for retrieval each direction is weighted by a power
of its canonical correlation and compared by cosine, as in Gong et al. 2014, "A multi-view embedding
space for modeling internet images, tags, and their semantics".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.closed_form import (
    choose,
    decompose,
    to_mean_variance,
    to_ridges,
    to_text_means,
    to_text_shares,
)
from ingest.encoders.bridge.maps import Map
from ingest.encoders.bridge.side import Base, Side
from ingest.encoders.bridge.start import measure
from ingest.encoders.bridge.training import Trained

if TYPE_CHECKING:
    from typing import Final

    from numpy.typing import NDArray

    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.recipe import Recipe

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

POWER: Final = 1.0
"""Of the canonical correlations."""


@dataclass(frozen=True, slots=True, eq=False)
class _Whitener:
    """One side's principal axes.

    Attributes:
        mean: ``(f,)`` float32 of the features.
        scale: ``(f,)`` float32 of the features.
        axes: ``(f, r)`` float64, orthonormal.
        variances: ``(r,)`` float64 along them.
    """

    mean: Floats
    scale: Floats
    axes: Doubles
    variances: Doubles

    def to_deviations(self, ridge: float) -> Doubles:
        """``(r,)`` float64, positive: deviations along the axes, the ridge counted in."""
        return np.sqrt(self.variances + ridge * to_mean_variance(self.variances, len(self.axes)))

    def to_side(self, directions: Doubles) -> Side:
        """The side that maps along ``(r, d)`` directions within the axes."""
        weight = (self.axes @ directions).T.astype(np.float32)
        bias = np.zeros(len(weight), dtype=np.float32)
        return Side(Base.NONE, Map(self.mean, self.scale, bias, weight))


def solve_cca(examples: Examples, validation: Examples, recipe: Recipe) -> Trained:
    """Both sides' linear maps; see :func:`ingest.encoders.bridge.training.train`.

    Every pair of an image counts the less the more texts the image has, so that each image counts
    once.
    """
    images, image_rows = _whiten(examples.images, np.ones(len(examples)))
    texts, text_rows = _whiten(examples.texts, to_text_shares(examples))
    crossed = image_rows.T @ to_text_means(examples, text_rows) / len(examples)
    tried = (
        _correlate(images, texts, crossed, ridge, recipe.dimension)
        for ridge in to_ridges(examples, validation, recipe)
    )
    return choose(tried, validation)


def _whiten(described: Described, shares: Doubles) -> tuple[_Whitener, Doubles]:
    """Principal axes of weighted items, and the items along them, ``(n, r)`` float64."""
    shares = shares / shares.sum()
    mean = shares @ described.features
    scale = measure(described)[1]
    rows = (described.features - mean) / scale
    variances, axes = decompose(rows * np.sqrt(shares)[:, None])
    return _Whitener(mean.astype(np.float32), scale, axes, variances), rows @ axes


def _correlate(
    images: _Whitener, texts: _Whitener, crossed: Doubles, ridge: float, dimension: int | None
) -> Trained:
    one, other = images.to_deviations(ridge)[:, None], texts.to_deviations(ridge)[:, None]
    left, correlations, right = np.linalg.svd(crossed / (one * other.T), full_matrices=False)
    kept = slice(0, dimension)
    weights = correlations[kept] ** POWER
    return Trained(
        images.to_side(left[:, kept] / one * weights),
        texts.to_side(right.T[:, kept] / other * weights),
    )
