"""Generalised zero-shot classification: seen and unseen classes compete for every image.

Seen classes win too often, since training saw images of them. Calibrated stacking takes a constant
from their scores (Chao et al. 2016, "An Empirical Study and Analysis of Generalized Zero-Shot
Learning for Object Recognition in the Wild"). Accuracies are means over classes, and the harmonic
mean of both sides is what counts (Xian et al. 2018, "Zero-Shot Learning: A Comprehensive
Evaluation of the Good, the Bad and the Ugly"). Pure numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]


ROUNDING: Final = 1e-9
"""Sums in another order may differ by less; no two accuracies do."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many images go to their own class, among seen and unseen classes together.

    Attributes:
        seen: Mean over the seen classes, 0 to 1.
        unseen: Mean over the unseen classes, 0 to 1.
    """

    seen: float
    unseen: float

    @property
    def harmonic(self) -> float:
        """The harmonic mean of both; 0 where one is."""
        total = self.seen + self.unseen
        return 2 * self.seen * self.unseen / total if total else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Competition:
    """Every image's best seen class against its best unseen class.

    An image goes to the seen one where ``margin >= gamma``: at 0 that is the best class of all.

    Attributes:
        margins: ``(n,)`` float64, the best seen score less the best unseen one.
        of_seen: ``(n,)`` float64, what an image adds to the seen accuracy if it goes to a seen
            class; 0 where that is a wrong one.
        of_unseen: Likewise to the unseen accuracy.
    """

    margins: Floats
    of_seen: Floats
    of_unseen: Floats

    def at(self, gamma: float) -> Accuracy:
        """The accuracies after ``gamma`` was taken from the scores of seen classes."""
        goes_to_seen = self.margins >= gamma
        return Accuracy(
            float(self.of_seen[goes_to_seen].sum()), float(self.of_unseen[~goes_to_seen].sum())
        )

    def sweep(self, gammas: Floats) -> tuple[Floats, Floats]:
        """Seen and unseen accuracy at each of many gammas, as :meth:`at` gives them."""
        order = np.argsort(self.margins, kind="stable")
        moved = np.searchsorted(self.margins[order], gammas, side="left")
        lost, won = (
            np.concatenate([[0.0], np.cumsum(part[order])])[moved]
            for part in (self.of_seen, self.of_unseen)
        )
        return np.maximum(self.of_seen.sum() - lost, 0.0), won

    def to_curve(self) -> tuple[Floats, Floats]:
        """Seen and unseen accuracy for every ``gamma`` that makes a difference, rising gammas."""
        return self.sweep(np.append(np.unique(self.margins), np.inf))

    def area(self) -> float:
        """Under the curve of seen over unseen accuracy (AUSUC), 0 to 1."""
        seen, unseen = self.to_curve()
        return float(np.trapezoid(seen, unseen))


def compete(scores: Floats, truth: Places, is_seen: Flags) -> Competition:
    """Let seen and unseen classes compete.

    Args:
        scores: ``(n, c)`` of every image and class.
        truth: ``(n,)`` the class of each image.
        is_seen: ``(c,)`` which classes training saw; at least one, and not all.

    Raises:
        ValueError: There is no image, or only one kind of class.
    """
    if not len(scores) or is_seen.all() or not is_seen.any():
        msg = "images, seen classes and unseen classes are needed, of each at least one"
        raise ValueError(msg)
    seen, unseen = np.flatnonzero(is_seen), np.flatnonzero(~is_seen)
    best_seen = seen[scores[:, seen].argmax(axis=1)]
    best_unseen = unseen[scores[:, unseen].argmax(axis=1)]
    rows = np.arange(len(scores))
    weights = _to_weights(truth, is_seen)
    return Competition(
        np.asarray(scores[rows, best_seen] - scores[rows, best_unseen], dtype=np.float64),
        weights * (best_seen == truth),
        weights * (best_unseen == truth),
    )


def choose_gamma(competitions: Sequence[Competition]) -> float:
    """What to take from seen classes' scores: the best mean of harmonic means.

    Of several that are equally good it is the one nearest to 0, in the middle of its interval.

    Args:
        competitions: Of classes carved out of the seen ones, never of the unseen ones; none gives
            0.
    """
    if not competitions:
        return 0.0
    margins = np.unique(np.concatenate([one.margins for one in competitions]))
    gammas = np.concatenate([[0.0], (margins[1:] + margins[:-1]) / 2])
    means = np.mean([_to_harmonic(*one.sweep(gammas)) for one in competitions], axis=0)
    best = gammas[means >= means.max() - ROUNDING]
    return float(best[np.abs(best).argmin()])


def _to_harmonic(seen: Floats, unseen: Floats) -> Floats:
    total = seen + unseen
    return 2 * seen * unseen / np.where(total > 0, total, 1.0)


def to_class_mean(right: Flags, truth: Places) -> float:
    """Accuracy as a mean over the classes that have images; 0 to 1.

    Args:
        right: ``(n,)`` whether an image went to its class.
        truth: ``(n,)`` the class of each image.

    Raises:
        ValueError: There is no image.
    """
    if not len(truth):
        msg = "there is no image"
        raise ValueError(msg)
    return float(np.mean([right[truth == one].mean() for one in np.unique(truth)]))


def _to_weights(truth: Places, is_seen: Flags) -> Floats:
    """What a right image adds to the accuracy of its side."""
    counts = np.bincount(truth, minlength=len(is_seen))
    classes = {side: int(((counts > 0) & (is_seen == side)).sum()) for side in (True, False)}
    of_side = np.where(is_seen, classes[True], classes[False])
    return np.asarray(1.0 / (counts[truth] * of_side[truth]), dtype=np.float64)
