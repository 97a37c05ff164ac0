"""Hits, and their means with bootstrap intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUT = 10
RESAMPLES = 2000
LEVEL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """A JSON-ready dict."""
        return asdict(self)

    def percent(self) -> str:
        """As percent."""
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def times(self) -> str:
        """As a multiple."""
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def to_hits(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Whether column i is among the first ten of row i; ties count against it."""
    right = np.diag(scores)[:, None]
    return np.asarray((scores >= right).sum(axis=1) <= CUT, dtype=np.float64)


def to_interval(hits: NDArray[np.float64]) -> Interval:
    """The mean of ``(kinds, n)`` hits, resampled by figure: its questions stand or fall together.

    NaN stands for a question that there is not.
    """
    means = [np.nanmean(hits[:, rows]) for rows in _resample(hits.shape[1])]
    return _to_interval(float(np.nanmean(hits)), means)


def to_ratio(hits: NDArray[np.float64], base: NDArray[np.float64]) -> Interval:
    """How many times the mean of the other the mean of the one is, resampled together."""
    ratios = [
        np.nanmean(hits[:, rows]) / np.nanmean(base[:, rows]) for rows in _resample(hits.shape[1])
    ]
    return _to_interval(float(np.nanmean(hits) / np.nanmean(base)), ratios)


def _resample(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, count))


def _to_interval(value: float, draws: list[np.floating]) -> Interval:
    low, high = np.percentile(draws, LEVEL)
    return Interval(value, float(low), float(high))
