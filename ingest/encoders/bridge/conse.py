"""ConSE: an image as the mean of its likely classes' text vectors (Norouzi et al. 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Conse:
    """What turns a classifier's logits into vectors, without any training.

    Attributes:
        classes: ``(c, d)`` float32, a text vector of each class, less the mean of all: what they
            have in common says nothing about an image.
        temperature: What the logits are divided by; above 1 more classes than the likeliest count.
        most_classes: Of each image only so many classes count, the likeliest; None for all.
    """

    classes: Floats
    temperature: float = 1.0
    most_classes: int | None = None

    def apply(self, logits: Floats) -> Floats:
        """``(n, c)`` float32 logits to ``(n, d)`` float32 unit rows."""
        scaled = self._without_unlikely(logits) / self.temperature
        likelihood = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        mixed = (likelihood / likelihood.sum(axis=1, keepdims=True)) @ self.classes
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)

    def _without_unlikely(self, logits: Floats) -> Floats:
        count = logits.shape[1]
        if self.most_classes is None or self.most_classes >= count:
            return logits
        least = np.partition(logits, count - self.most_classes, axis=1)[:, [-self.most_classes]]
        return np.where(logits >= least, logits, -np.inf).astype(np.float32)


def to_class_vectors(rows: Floats) -> Floats:
    """Text vectors of classes, ready for :class:`Conse`.

    Args:
        rows: ``(c, d)`` float32 of any length, one a class.

    Returns:
        ``(c, d)`` float32: unit rows less the mean of all.
    """
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(unit - unit.mean(axis=0), dtype=np.float32)
