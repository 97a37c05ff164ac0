"""Which items are of a domain: a gate in front of a map, so that others stay where they lay.

A mixture of experts (Jacobs et al. 1991) of which one is what the encoder gives by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_RIDGE: Final = 0.03
"""Of the regression, whose rows have a mean square of about 1 in all: strong enough for what was
not learned from, with a hundred rows of thousands of features."""

_SHARPNESS: Final = 8.0
"""What the regression's -1 to 1 is multiplied by: halfway to either side the share is .02, .98."""

_ROUNDING: Final = 1e-6
"""Of float32, relative to a number."""

_LEAST_SPREAD: Final = 0.01
"""Of a feature, in mean deviations: what hardly varies over few items must not rule unseen ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """``sigmoid(weight x + threshold)``: how much an item is of the domain.

    Attributes:
        weight: ``(f,)`` float32.
        threshold: What is added.
    """

    weight: Floats
    threshold: float

    def __post_init__(self) -> None:
        """Refuse what tells nothing apart.

        Raises:
            ValueError: The weight is no row, or a number is not finite.
        """
        if self.weight.ndim != 1 or not np.isfinite([self.threshold, *self.weight]).all():
            msg = "a gate is one row of finite numbers and a finite threshold"
            raise ValueError(msg)

    def to_shares(self, features: Floats) -> Floats:
        """``(n, f)`` float32 features to ``(n, 1)`` float32 shares from 0 to 1."""
        # The same as 1 / (1 + exp(-x)), which overflows.
        shares = (1 + np.tanh((features @ self.weight + self.threshold) / 2)) / 2
        return np.asarray(shares[:, None], dtype=np.float32)


def fit_gate(own: Floats, others: Floats) -> Gate:
    """Tell a domain's items from others, by ridge regression of which they are.

    Both count the same however many there are. Solved between the rows where there are fewer of
    them than of features (Rifkin et al. 2003, "Regularized least-squares classification"), else
    between the features: it is the same regression.

    Args:
        own: ``(n, f)`` float32, at least one.
        others: ``(m, f)`` float32, at least one.
    """
    counts = [len(own), len(others)]
    share = np.repeat(np.divide(0.5, counts), counts)[:, None]
    rows = np.concatenate([own, others]).astype(np.float64)
    mean = (share * rows).sum(axis=0)
    rows -= mean
    variance = (share * rows**2).sum(axis=0)
    # What varies by its rounding alone tells nothing.
    varies = variance > _ROUNDING**2 * mean**2
    deviation = np.sqrt(variance)
    scale = np.maximum(deviation, _LEAST_SPREAD * deviation.mean())
    scale = np.where(varies, np.sqrt(rows.shape[1]) * scale, np.inf)
    wanted = np.sqrt(share[:, 0]) * np.repeat([1.0, -1.0], counts)
    weight = _SHARPNESS * _to_ridge(np.sqrt(share) * rows / scale, wanted) / scale
    return Gate(weight.astype(np.float32), float(-mean @ weight))


def _to_ridge(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(f,)``, what ``(n, f)`` rows are multiplied with to give what is wanted of each."""
    count, width = rows.shape
    if count < width:
        kernel = rows @ rows.T + _RIDGE * np.eye(count)
        return np.asarray(rows.T @ np.linalg.solve(kernel, wanted))
    moment = rows.T @ rows + _RIDGE * np.eye(width)
    return np.asarray(np.linalg.solve(moment, rows.T @ wanted))
