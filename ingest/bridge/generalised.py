"""Ways to place images among seen and unseen classes, chosen on seen ones alone and measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingest.bridge.zero_shot_options import Objective
from ingest.encoders.bridge.devise import RIDGES, fit_ranking, fit_ridge
from ingest.encoders.bridge.side import Base, Side
from ingest.encoders.bridge.stacking import ROUNDING, choose_gamma, compete, to_class_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.bridge.labelled import LabelledImages
    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.maps import Map
    from ingest.encoders.bridge.stacking import Accuracy, Competition

    Floats = NDArray[np.float32]
    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]

BASE_WEIGHTS: Final = (0.5, 1.0, 2.0, 4.0)
"""Of ConSE against the map's unit rows, which are tried on validation classes."""

FOLDS: Final = 5
"""How often validation classes are carved out of the seen ones."""

_FEWEST_CLASSES: Final = 4
"""Seen classes; of fewer none can be carved out."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How images are placed among classes.

    Attributes:
        name: What it is called in a table.
        classes: ``(c, d)`` float32 unit rows, a vector of each class.
        conse: Of a ConSE base; None without.
        objective: Of a map that is learned; None without one.
        ready: A map that was made of no image; None without one.
    """

    name: str
    classes: Floats
    conse: Conse | None
    objective: Objective | None = None
    ready: Map | None = None


@dataclass(frozen=True, slots=True)
class Strengths:
    """What is chosen on validation classes.

    Attributes:
        ridge: Penalty on the map's weights.
        base_weight: Of a ConSE base against the map.
        gamma: What is taken from the scores of seen classes.
    """

    ridge: float = 1.0
    base_weight: float = 1.0
    gamma: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a way reaches.

    Attributes:
        name: Of the way.
        strengths: What it was done with.
        plain: Accuracies as the scores are; None where nothing is unseen.
        stacked: With calibrated stacking; None likewise.
        area: Under the curve of seen over unseen accuracy; None likewise.
        seen_alone: Mean accuracy of seen classes where no unseen class competes.
    """

    name: str
    strengths: Strengths
    plain: Accuracy | None
    stacked: Accuracy | None
    area: float | None
    seen_alone: float | None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "name": self.name,
            "ridge": self.strengths.ridge,
            "base_weight": self.strengths.base_weight,
            "gamma": self.strengths.gamma,
            "plain": _to_json(self.plain),
            "stacked": _to_json(self.stacked),
            "area": self.area,
            "seen_alone": self.seen_alone,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Seen classes, some of them treated as if they were unseen.

    Attributes:
        training: Rows of the images to learn from.
        validation: Rows of the images to measure on.
        is_seen: ``(c,)`` which classes are seen in it.
        takes_part: ``(c,)`` which classes there are in it: the really unseen ones are not.
    """

    training: Places
    validation: Places
    is_seen: Flags
    takes_part: Flags


def carve(
    images: LabelledImages, labels: int, held_out: Flags, share: float, *, seed: int
) -> list[Fold]:
    """Folds for choosing strengths.

    Args:
        images: Of seen classes alone, those to learn from.
        labels: How many classes there are, ``c``, the unseen ones with them.
        held_out: ``(n,)`` which of them stand for images of seen classes that are measured.
        share: Of the classes, which are carved out.
        seed: Of the lots.

    Returns:
        ``FOLDS`` of them; none where there are too few classes, or too few images to measure on.
    """
    classes = np.unique(images.truth)
    if len(classes) < _FEWEST_CLASSES or not held_out.any():
        return []
    generator = np.random.default_rng(seed)
    count = min(max(1, round(share * len(classes))), len(classes) - 2)
    takes_part = np.zeros(labels, dtype=np.bool_)
    takes_part[classes] = True
    return [
        _to_fold(images.truth, held_out, generator.permutation(classes)[:count], takes_part)
        for _ in range(FOLDS)
    ]


def fit(way: Way, strengths: Strengths, images: LabelledImages, rows: Places) -> Side:
    """The image side of a way.

    Args:
        way: Which.
        strengths: Ridge, and weight of the base.
        images: Where the rows are.
        rows: To learn from; of no account to a way without a map.
    """
    if way.objective is None and way.ready is None:
        return Side(Base.CONSE, conse=way.conse)
    fitted = way.ready or _fit_map(way, strengths, images, rows)
    if way.conse is None:
        return Side(Base.NONE, fitted)
    return Side(Base.CONSE, fitted, strengths.base_weight, unit_map=True, conse=way.conse)


def _fit_map(way: Way, strengths: Strengths, images: LabelledImages, rows: Places) -> Map:
    features, truth = images.described.features[rows], images.truth[rows]
    if way.objective is Objective.RANKING:
        learned, truth = np.unique(truth, return_inverse=True)
        return fit_ranking(features, truth, way.classes[learned], ridge=strengths.ridge)
    return fit_ridge(features, way.classes[truth], ridge=strengths.ridge)


def choose(way: Way, images: LabelledImages, folds: Sequence[Fold]) -> Strengths:
    """The strengths whose mean harmonic mean is best on the folds, after stacking."""
    if not folds:
        return Strengths()
    rated = []
    for ridge, weights in _to_grid(way, images, folds):
        sides = [fit(way, Strengths(ridge), images, fold.training) for fold in folds]
        rated += [_rate(way, Strengths(ridge, weight), sides, images, folds) for weight in weights]
    best = max(rate for rate, _ in rated)
    return next(one for rate, one in rated if rate >= best - ROUNDING)  # equals: the first tried


def measure(
    way: Way, strengths: Strengths, side: Side, images: LabelledImages, is_seen: Flags
) -> Outcome:
    """What a fitted side reaches on images that it never saw.

    Args:
        way: Which.
        strengths: What it was fitted with.
        side: Fitted.
        images: Of seen classes and of unseen ones, if there are any.
        is_seen: ``(c,)`` which classes training saw.
    """
    scores = _to_scores(side, way, images)
    known = is_seen[images.truth]
    alone = None
    if known.any():
        best = np.flatnonzero(is_seen)[scores[known][:, is_seen].argmax(axis=1)]
        alone = to_class_mean(best == images.truth[known], images.truth[known])
    if known.all() or not known.any():
        return Outcome(way.name, strengths, None, None, None, alone)
    competition = compete(scores, images.truth, is_seen)
    stacked = competition.at(strengths.gamma)
    return Outcome(way.name, strengths, competition.at(0.0), stacked, competition.area(), alone)


def _rate(
    way: Way,
    strengths: Strengths,
    sides: Sequence[Side],
    images: LabelledImages,
    folds: Sequence[Fold],
) -> tuple[float, Strengths]:
    """The mean harmonic mean with the best gamma, and the strengths with that gamma."""
    weighted = [replace(side, base_weight=strengths.base_weight) for side in sides]
    competitions = [
        _compete(way, side, images, fold) for side, fold in zip(weighted, folds, strict=True)
    ]
    gamma = choose_gamma(competitions)
    rate = float(np.mean([one.at(gamma).harmonic for one in competitions]))
    return rate, replace(strengths, gamma=gamma)


def _compete(way: Way, side: Side, images: LabelledImages, fold: Fold) -> Competition:
    measured = images.take(fold.validation)
    scores = _to_scores(side, way, measured)[:, fold.takes_part]
    places = np.cumsum(fold.takes_part) - 1
    return compete(scores, places[measured.truth], fold.is_seen[fold.takes_part])


def _to_scores(side: Side, way: Way, images: LabelledImages) -> NDArray[np.float64]:
    return np.asarray(side.apply(images.described) @ way.classes.T, dtype=np.float64)


def _to_grid(
    way: Way, images: LabelledImages, folds: Sequence[Fold]
) -> list[tuple[float, Sequence[float]]]:
    """Ridges, with the weights of the base that are tried beside each."""
    has_both = way.conse is not None and (way.objective or way.ready) is not None
    weights = BASE_WEIGHTS if has_both else (1.0,)
    if way.objective is None:
        return [(1.0, weights)]
    if way.objective is Objective.RIDGE:
        return [(ridge, weights) for ridge in RIDGES]
    # The slow one starts from the quick one's best map, or from one that leaves it most to do.
    quick = choose(replace(way, objective=Objective.RIDGE), images, folds)
    return [(quick.ridge, [quick.base_weight]), (RIDGES[-1], weights)]


def _to_fold(truth: Places, held_out: Flags, carved: Places, takes_part: Flags) -> Fold:
    is_carved = np.isin(truth, carved)
    is_seen = takes_part.copy()
    is_seen[carved] = False
    return Fold(
        np.flatnonzero(~is_carved & ~held_out),
        np.flatnonzero(is_carved | held_out),
        is_seen,
        takes_part,
    )


def _to_json(accuracy: Accuracy | None) -> dict[str, float] | None:
    if accuracy is None:
        return None
    return {
        "seen": accuracy.seen,
        "unseen": accuracy.unseen,
        "harmonic": accuracy.harmonic,
    }
