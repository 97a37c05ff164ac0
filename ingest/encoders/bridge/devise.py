"""A linear map from a frozen encoder's features to class vectors (DeViSE, Frome et al. 2013).

Of labelled images it is learned by the hinge ranking loss of the paper or by least squares; of no
image at all from the last layer of a classifier, whose row of weights stands for a typical image
of its class. Pure numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ingest.encoders.bridge.maps import Map
from ingest.encoders.bridge.side import to_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Places = NDArray[np.int64]

MARGIN: Final = 0.1
"""Of the ranking loss; the paper's."""

RIDGES: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Strengths that are tried where none is given."""

_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8
"""Adam's decay rates and its guard against 0 (Kingma and Ba 2015)."""

_FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Ranking:
    """How the ranking loss is brought down.

    Attributes:
        margin: By how much an image's own class must beat every other.
        steps: Of Adam.
        batch: Images of a step, drawn by lot where there are more.
        learning_rate: At the start; it falls to 0 along a cosine.
        weight_decay: Towards the map that least squares gave, per step.
        seed: Of the lots.
    """

    margin: float = MARGIN
    steps: int = 150
    batch: int = 1024
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    seed: int = 0


def fit_ridge(features: Floats, targets: Floats, *, ridge: float) -> Map:
    """Least squares with a penalty on the weights.

    Args:
        features: ``(n, f)`` float32, one row an image.
        targets: ``(n, d)`` float32, the vector of each image's class.
        ridge: Penalty, as a multiple of the mean squared length of the standardised features.
    """
    mean, scale = _to_standard(features)
    inputs = ((features - mean) / scale).astype(np.float64)
    bias = targets.mean(axis=0, dtype=np.float64)
    weight = _solve(inputs, targets - bias, ridge)
    return Map(mean, scale, bias.astype(np.float32), weight.astype(np.float32))


def fit_ranking(
    features: Floats,
    truth: Places,
    classes: Floats,
    *,
    ridge: float,
    ranking: Ranking | None = None,
) -> Map:
    """DeViSE's ranking loss: ``sum over j != y of max(0, margin - s_y + s_j)``.

    It starts at the map of :func:`fit_ridge`, so it needs few steps and no luck.

    Args:
        features: ``(n, f)`` float32, one row an image.
        truth: ``(n,)`` the class of each.
        classes: ``(c, d)`` float32 unit rows, of the seen classes alone.
        ridge: Of the start.
        ranking: How; None as by default.
    """
    ranking = ranking or Ranking()
    start = fit_ridge(features, classes[truth], ridge=ridge)
    assert start.weight is not None  # noqa: S101 - for the type checker: a ridge has one
    # The map never leaves the space that the images span, which is small where they are few.
    _, _, basis = np.linalg.svd(start.standardise(features), full_matrices=False)
    inputs = start.standardise(features) @ basis.T
    inputs = np.hstack([inputs, np.ones((len(inputs), 1), dtype=np.float32)])
    first = np.hstack([start.weight @ basis.T, start.bias[:, None]])
    weight = _descend(first, inputs, truth, classes, ranking)
    return Map(start.mean, start.scale, weight[:, -1].copy(), weight[:, :-1] @ basis)


def fit_class_weights(weights: Floats, targets: Floats, *, ridge: float) -> Map:
    """A map without any image: a class's row of weights goes to the class's vector.

    Args:
        weights: ``(c, f)`` float32, the last layer of a classifier. What all rows have in common
            decides nothing there and is taken away.
        targets: ``(c, d)`` float32, the vector of each class.
        ridge: As for :func:`fit_ridge`.
    """
    centred = (weights - weights.mean(axis=0)).astype(np.float64)
    size = weights.shape[1]
    return Map(
        np.zeros(size, dtype=np.float32),
        np.ones(size, dtype=np.float32),
        np.zeros(targets.shape[1], dtype=np.float32),
        _solve(centred, targets - targets.mean(axis=0), ridge).astype(np.float32),
    )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How a map from class weights does on classes that it was not made of.

    Attributes:
        ridge: The strength that was best.
        first: Share of classes left out whose own vector is the nearest of all, 0 to 1.
        first_ten: Share whose own vector is among the nearest ten.
        classes: How many classes there are; by chance ``first`` would be one of them.
    """

    ridge: float
    first: float
    first_ten: float
    classes: int


def leave_classes_out(
    weights: Floats, targets: Floats, *, seed: int, ridges: Sequence[float] = RIDGES
) -> LeftOut:
    """Choose the strength without any image.

    The map is made of four fifths of the classes and tried on the weights of the others, five
    times over.

    Args:
        weights: As for :func:`fit_class_weights`.
        targets: Likewise.
        seed: Of the fifths.
        ridges: What is tried.
    """
    order = np.random.default_rng(seed).permutation(len(weights))
    folds = [order[start::_FOLDS] for start in range(min(_FOLDS, len(order)))]
    found = [_try(weights, targets, folds, ridge) for ridge in ridges]
    return max(found, key=lambda one: (one.first_ten, one.first, one.ridge))


def _try(weights: Floats, targets: Floats, folds: Sequence[Places], ridge: float) -> LeftOut:
    unit = to_unit(targets - targets.mean(axis=0))
    ranks = np.empty(len(weights), dtype=np.int64)
    for fold in folds:
        kept = np.setdiff1d(np.arange(len(weights)), fold)
        fitted = fit_class_weights(weights[kept], targets[kept], ridge=ridge)
        scores = to_unit(fitted.apply(weights[fold] - weights[kept].mean(axis=0))) @ unit.T
        own = scores[np.arange(len(fold)), fold]
        ranks[fold] = (scores > own[:, None]).sum(axis=1)
    return LeftOut(ridge, float((ranks < 1).mean()), float((ranks < 10).mean()), len(weights))  # noqa: PLR2004


def _to_standard(features: Floats) -> tuple[Floats, Floats]:
    mean = features.mean(axis=0, dtype=np.float64)
    deviation = features.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1.0)
    return mean.astype(np.float32), scale.astype(np.float32)


def _solve(
    inputs: NDArray[np.float64], targets: NDArray[np.floating], ridge: float
) -> NDArray[np.float64]:
    """``(d, f)`` weights; by the smaller of the two systems of equations."""
    count, size = inputs.shape
    penalty = (
        ridge * float(np.square(inputs).sum()) / count or 1.0
    )  # where all features are constant
    if count <= size:
        gram = inputs @ inputs.T
        gram.flat[:: count + 1] += penalty
        return np.ascontiguousarray((inputs.T @ np.linalg.solve(gram, targets)).T)
    gram = inputs.T @ inputs
    gram.flat[:: size + 1] += penalty
    return np.ascontiguousarray(np.linalg.solve(gram, inputs.T @ targets).T)


def _descend(
    first: Floats, inputs: Floats, truth: Places, classes: Floats, ranking: Ranking
) -> Floats:
    weight, mean, square = first.copy(), np.zeros_like(first), np.zeros_like(first)
    generator = np.random.default_rng(ranking.seed)
    count = min(ranking.batch, len(inputs))
    for step in range(1, ranking.steps + 1):
        rows = np.sort(generator.permutation(len(inputs))[:count])
        slope = _to_slope(weight, inputs[rows], truth[rows], classes, ranking.margin)
        mean += (1 - _FIRST) * (slope - mean)
        square += (1 - _SECOND) * (np.square(slope) - square)
        unbiased = (mean / (1 - _FIRST**step)) / (np.sqrt(square / (1 - _SECOND**step)) + _TINY)
        rate = ranking.learning_rate * (1 + np.cos(np.pi * step / ranking.steps)) / 2
        weight -= (rate * unbiased + ranking.weight_decay * (weight - first)).astype(np.float32)
    return weight


def _to_slope(
    weight: Floats, inputs: Floats, truth: Places, classes: Floats, margin: float
) -> Floats:
    """The gradient of the mean loss of an image."""
    rows = np.arange(len(inputs))
    scores = inputs @ weight.T @ classes.T
    too_near = (margin - scores[rows, truth][:, None] + scores > 0).astype(np.float32)
    too_near[rows, truth] = 0
    too_near[rows, truth] = -too_near.sum(axis=1)
    return np.asarray((too_near @ classes).T @ inputs / len(inputs), dtype=np.float32)
