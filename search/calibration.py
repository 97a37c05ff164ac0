"""Cosines -> calibrated scores and percentiles, which may be compared across modalities."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from schemas.background import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.background import Background
    from schemas.records import Modality


class Scale:
    """A background, ready to read many queries' cosines by.

    Args:
        background: Of the collection.
    """

    def __init__(self, background: Background) -> None:
        """Compute once what no query changes."""
        self.quantiles = background.quantiles
        self.spreads = background.spreads
        self.means = {
            target: np.asarray(mean, dtype=np.float32) for target, mean in background.means.items()
        }

    def read(self, vector: NDArray[np.float32], modality: Modality) -> Calibration:
        """How one query's cosines are read.

        Args:
            vector: Of the query, unit length.
            modality: Of the query.
        """
        expected = {target: float(vector @ mean) for target, mean in self.means.items()}
        return Calibration(self, expected, modality)


class Calibration:
    """How one query's cosines are read, given the background of the collection.

    Args:
        scale: Of the collection.
        expected: The query's cosine to an average item of each modality.
        modality: Of the query.
    """

    def __init__(
        self, scale: Scale, expected: Mapping[Modality, float], modality: Modality
    ) -> None:
        """Nothing is computed yet."""
        self._quantiles = scale.quantiles
        self._spreads = scale.spreads
        self._modality = modality
        self._expected = expected

    def expected(self, target: Modality) -> float | None:
        """The query's mean cosine to items of a modality; None without a background of it."""
        return self._expected.get(target)

    def spread(self, target: Modality) -> float | None:
        """What a calibrated score of 1 is worth as a cosine; None without a background of it."""
        return self._spreads.get((self._modality, target))

    def to_score(self, cosine: float, target: Modality) -> float | None:
        """The calibrated score of a cosine; None without a background of the modality.

        How much nearer the item is than the average of its modality, in units of the direction's
        spread. Its order within a modality is that of the cosines.
        """
        spread = self.spread(target)
        return None if spread is None else (cosine - self._expected[target]) / spread

    def to_cosine(self, score: float, target: Modality) -> float | None:
        """The cosine of a calibrated score; None without a background of the modality."""
        spread = self.spread(target)
        return None if spread is None else score * spread + self._expected[target]

    def to_percentile(self, score: float, target: Modality) -> float | None:
        """The share, in percent, of unrelated pairs whose calibrated score is lower.

        Interpolated between the background's quantiles; never above its highest level.
        None without a background of the direction.
        """
        values = self._quantiles.get((self._modality, target))
        return None if values is None else 100 * _interpolate(score, values, LEVELS)

    def least_score(self, percentile: float, target: Modality) -> float | None:
        """The calibrated score at a percentile, between 0 and 100; None without a background."""
        values = self._quantiles.get((self._modality, target))
        return None if values is None else _interpolate(percentile / 100, LEVELS, values)


def _interpolate(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """The y at x, linear between the knots, constant beyond them; ``xs`` never falls."""
    right = bisect_left(xs, x)
    if right == 0:
        return ys[0]
    if right == len(xs):
        return ys[-1]
    left = right - 1
    return ys[left] + (ys[right] - ys[left]) * (x - xs[left]) / (xs[right] - xs[left])
