"""Closed forms: a ridge regression of the texts' vectors on the images' features.

Ridge regression (Hoerl and Kennard 1970) of standardised features onto what the base leaves to
reach of the texts' vectors: ``W = R' X (X' X / n + r I)^-1 / n``. With a base the map learns only
what the base gets wrong, and the stronger the regularisation, the nearer it stays to the base.
With fewer pairs than features everything happens within the pairs' own directions, and is as fast
as they are few.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.maps import Map
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.recipe import Objective
from ingest.encoders.bridge.start import to_starts
from ingest.encoders.bridge.training import CUT, Trained

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from numpy.typing import NDArray

    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.recipe import Recipe

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

RIDGES: Final = tuple(float(10**exponent) for exponent in np.arange(-2, 3.5, 0.5))
"""What is tried, in units of the mean variance."""

_RIDGE_PAIRS: Final = 3000
"""Without validation the regularisation is this over the number of images."""

_RANK_TOLERANCE: Final = 1e-10
"""Share of the largest variance below which a direction counts as none."""


def solve(examples: Examples, validation: Examples, recipe: Recipe, conse: Conse | None) -> Trained:
    """Ridge or CCA; see :func:`ingest.encoders.bridge.training.train`."""
    if recipe.objective is Objective.CCA:
        from ingest.encoders.bridge.cca import solve_cca

        return solve_cca(examples, validation, recipe)
    return solve_ridge(examples, validation, recipe, conse)


def solve_ridge(
    examples: Examples, validation: Examples, recipe: Recipe, conse: Conse | None
) -> Trained:
    """The image side's linear map onto the texts' own vectors.

    Raises:
        SettingsError: The encoders do not give what the recipe's base needs.
    """
    start, text_start = to_starts(examples, recipe, conse)
    start = replace(start, unit_map=False)
    left = to_targets(examples)
    base = start.to_base(examples.images)
    left = left if base is None else left - base
    bias = left.mean(axis=0, dtype=np.float64)
    inputs = (examples.images.features - start.mean) / start.scale
    regression = _Regression(inputs, left - bias)
    maps = (
        Map(start.mean, start.scale, bias.astype(np.float32), regression.solve(ridge))
        for ridge in to_ridges(examples, validation, recipe)
    )
    texts = text_start.to_side(None)
    return choose((Trained(start.to_side(one), texts) for one in maps), validation)


def choose(tried: Iterable[Trained], validation: Examples) -> Trained:
    """What finds most of the validation pairs; of equal ones the first."""
    scored = (
        (recall(one.images, one.texts, validation, (CUT,)).to_score(CUT), one) for one in tried
    )
    return max(scored, key=lambda pair: pair[0])[1]


def to_ridges(examples: Examples, validation: Examples, recipe: Recipe) -> tuple[float, ...]:
    """The regularisations to try: the recipe's alone, or what validation decides among."""
    if recipe.ridge is not None:
        return (recipe.ridge,)
    return RIDGES if len(validation) else (_RIDGE_PAIRS / len(examples),)


def to_targets(examples: Examples) -> Floats:
    """``(n, d)`` float32: the mean of each image's texts' own vectors."""
    own = examples.texts.own
    if own is None:
        msg = "the text encoder has no vectors of its own"
        raise ValueError(msg)
    return to_text_means(examples, own.astype(np.float64)).astype(np.float32)


def to_text_means(examples: Examples, rows: Doubles) -> Doubles:
    """``(n, d)`` float64: the mean of each image's texts' rows."""
    owners, slots = np.nonzero(examples.owned >= 0)
    firsts = np.searchsorted(owners, np.arange(len(examples)))
    sums = np.add.reduceat(rows[examples.owned[owners, slots]], firsts)
    return np.asarray(sums / np.bincount(owners)[:, None])


def to_text_shares(examples: Examples) -> Doubles:
    """``(m,)`` float64: how much each text counts, where each image counts 1."""
    owners, slots = np.nonzero(examples.owned >= 0)
    shares = 1 / np.bincount(owners)[owners]
    summed = np.zeros(len(examples.texts))
    np.add.at(summed, examples.owned[owners, slots], shares)
    return summed


def decompose(rows: Doubles) -> tuple[Doubles, Doubles]:
    """Variances ``(r,)`` and orthonormal axes ``(f, r)`` of ``(n, f)`` rows, none without variance.

    By the smaller of the two products of the rows with themselves.
    """
    count, width = rows.shape
    is_dual = count < width
    variances, vectors = np.linalg.eigh(rows @ rows.T if is_dual else rows.T @ rows)
    kept = variances > _RANK_TOLERANCE * max(variances[-1], 0)
    variances, vectors = variances[kept], vectors[:, kept]
    return variances, rows.T @ vectors / np.sqrt(variances) if is_dual else vectors


def to_mean_variance(variances: Doubles, width: int) -> float:
    """Mean over all features, what the regularisation is a share of; 1 where none varies."""
    return float(variances.sum() / width) or 1.0


class _Regression:
    """One decomposition, from which the weights of every regularisation follow."""

    def __init__(self, inputs: Floats, targets: Doubles) -> None:
        rows = inputs.astype(np.float64) / np.sqrt(len(inputs))
        self._variances, self._axes = decompose(rows)
        self._mean_variance = to_mean_variance(self._variances, inputs.shape[1])
        self._crossed = self._axes.T @ (rows.T @ targets) / np.sqrt(len(inputs))

    def solve(self, ridge: float) -> Floats:
        """``(d, f)`` float32 weights."""
        damped = self._variances + ridge * self._mean_variance
        return np.asarray((self._axes @ (self._crossed / damped[:, None])).T, dtype=np.float32)
