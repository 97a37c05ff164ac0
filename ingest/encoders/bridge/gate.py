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


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """``sigmoid(weight x + threshold)``: how much an item is of the domain.

    Attributes:
        weight: ``(f,)`` float32.
        threshold: What is added.
    """

    weight: Floats
    threshold: float

    def to_shares(self, features: Floats) -> Floats:
        """``(n, f)`` float32 features to ``(n, 1)`` float32 shares from 0 to 1."""
        # The same as 1 / (1 + exp(-x)), which overflows.
        shares = (1 + np.tanh((features @ self.weight + self.threshold) / 2)) / 2
        return np.asarray(shares[:, None], dtype=np.float32)


def fit_gate(own: Floats, others: Floats) -> Gate:
    """Tell a domain's items from others, by ridge regression of which they are.

    Both count the same however many there are. Solved between the rows, of which there are fewer
    than features (Rifkin et al. 2003, "Regularized least-squares classification").

    Args:
        own: ``(n, f)`` float32, at least one.
        others: ``(m, f)`` float32, at least one.
    """
    counts = [len(own), len(others)]
    share = np.repeat(np.divide(0.5, counts), counts)[:, None]
    wanted = np.repeat([1.0, -1.0], counts)[:, None]
    rows = np.concatenate([own, others]).astype(np.float64)
    mean = (share * rows).sum(axis=0)
    rows -= mean
    variance = (share * rows**2).sum(axis=0)
    # What varies by its rounding alone tells nothing.
    varies = variance > _ROUNDING**2 * mean**2
    scale = np.where(varies, np.sqrt(variance * rows.shape[1]), np.inf)
    weighted = np.sqrt(share) * rows / scale
    kernel = weighted @ weighted.T + _RIDGE * np.eye(len(rows))
    weight = (weighted.T @ np.linalg.solve(kernel, np.sqrt(share) * wanted))[:, 0] / scale
    weight *= _SHARPNESS
    return Gate(weight.astype(np.float32), float(-mean @ weight))
