"""Closed forms: a ridge regression of the texts' vectors on the images' features.

Ridge regression (Hoerl and Kennard 1970) of standardised features onto what the base leaves to
reach of the texts' vectors: ``W = R' X (X' X / n + r I)^-1 / n``. With fewer pairs than features
the equal dual form ``R' (X X' / n + r I)^-1 X / n`` is as fast as the pairs are few.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.maps import Map
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.start import to_starts
from ingest.encoders.bridge.training import Trained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from numpy.typing import NDArray

    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.recipe import Recipe

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

RIDGES: Final = tuple(float(10**exponent) for exponent in np.arange(-2, 3.5, 0.5))
"""What is tried, in units of the mean variance."""

RIDGE_UNSEEN: Final = 10.0
"""Without validation."""


def solve(examples: Examples, validation: Examples, recipe: Recipe, conse: Conse | None) -> Trained:
    """Ridge; see :func:`ingest.encoders.bridge.training.train`."""
    start, text_start = to_starts(examples, recipe, conse)
    start = replace(start, unit_map=False)
    texts = text_start.to_side(None)
    targets = to_targets(examples)
    base = start.to_base(examples.images)
    left = targets if base is None else targets - base
    inputs = (examples.images.features - start.mean) / start.scale
    best, best_recall = None, -1.0
    for weight in solve_ridge(inputs, left, _to_grid(recipe, validation)):
        tried = start.to_side(Map(start.mean, start.scale, left.mean(axis=0), weight))
        found = recall(tried, texts, validation, (10,)).to_mean(10)
        if best is None or found > best_recall:
            best, best_recall = tried, found
    return Trained(best or start.to_side(None), texts)


def _to_grid(recipe: Recipe, validation: Examples) -> tuple[float, ...]:
    if recipe.ridge is not None:
        return (recipe.ridge,)
    return RIDGES if len(validation) else (RIDGE_UNSEEN,)


def to_targets(examples: Examples) -> Floats:
    """``(n, d)`` float32: the mean of each image's texts' vectors."""
    own = examples.texts.own
    if own is None:
        msg = "the text encoder has no vectors of its own"
        raise ValueError(msg)
    slots = examples.owned >= 0
    rows = np.where(slots[:, :, None], own[examples.owned], 0).sum(axis=1)
    return np.asarray(rows / slots.sum(axis=1, keepdims=True), dtype=np.float32)


def solve_ridge(inputs: Floats, targets: Floats, ridges: Sequence[float]) -> Iterator[Floats]:
    """``(d, f)`` float32 weights of each regularisation, by one decomposition."""
    count, width = inputs.shape
    rows = inputs.astype(np.float64)
    left = targets.astype(np.float64) - targets.mean(axis=0, dtype=np.float64)
    is_dual = count < width
    gram = (rows @ rows.T if is_dual else rows.T @ rows) / count
    values, vectors = np.linalg.eigh(gram)
    projected = vectors.T @ (left if is_dual else rows.T @ left) / count
    for ridge in ridges:
        solved = vectors @ (projected / (np.maximum(values, 0) + ridge)[:, None])
        yield np.asarray((rows.T @ solved if is_dual else solved).T, dtype=np.float32)
