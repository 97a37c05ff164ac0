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
    Doubles = NDArray[np.float64]

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

    Args:
        own: ``(n, f)`` float32, at least one.
        others: ``(m, f)`` float32, at least one.
    """
    rows, wanted, mean = balance(own, others)
    variance = (rows**2).sum(axis=0)
    # What varies by its rounding alone tells nothing.
    varies = variance > _ROUNDING**2 * mean**2
    deviation = np.sqrt(variance)
    scale = np.maximum(deviation, _LEAST_SPREAD * deviation.mean())
    scale = np.where(varies, np.sqrt(rows.shape[1]) * scale, np.inf)
    weight = _SHARPNESS * solve_ridge(rows / scale, wanted, _RIDGE) / scale
    return Gate(weight.astype(np.float32), float(-mean @ weight))


def balance(own: Floats, others: Floats) -> tuple[Doubles, Doubles, Doubles]:
    """A regression of which of two kinds a row is; both count the same however many there are.

    Args:
        own: ``(n, f)`` float32, at least one.
        others: ``(m, f)`` float32, at least one.

    Returns:
        ``(n + m, f)`` rows less their mean, and ``(n + m,)``, 1 for the own and -1 for the others,
        each times the square root of what the row counts; and the mean, ``(f,)``. All float64.
    """
    counts = [len(own), len(others)]
    share = np.repeat(np.divide(0.5, counts), counts)
    rows = np.concatenate([own, others]).astype(np.float64)
    mean = share @ rows
    root = np.sqrt(share)
    return root[:, None] * (rows - mean), root * np.repeat([1.0, -1.0], counts), mean


def solve_ridge(rows: Doubles, wanted: Doubles, ridge: float) -> Doubles:
    """What rows are multiplied with to give what is wanted of each.

    Solved between the rows where there are fewer of them than of features (Rifkin et al. 2003,
    "Regularized least-squares classification"), else between the features: it is the same
    regression.

    Args:
        rows: ``(n, f)`` float64.
        wanted: ``(n,)`` float64.
        ridge: Weight of the squared outcome.

    Returns:
        ``(f,)`` float64.
    """
    count, width = rows.shape
    if count < width:
        kernel = rows @ rows.T + ridge * np.eye(count)
        return np.asarray(rows.T @ np.linalg.solve(kernel, wanted))
    moment = rows.T @ rows + ridge * np.eye(width)
    return np.asarray(np.linalg.solve(moment, rows.T @ wanted))
