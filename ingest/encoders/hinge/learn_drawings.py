"""Train the expert for drawings beside a finished map, which stays as it is; needs torch.

It learns from the figures as well, each kind of picture contrasted with its own kind alone; a gate
learns which of the two maps an image is for, so that nothing that the expert learns moves a
photograph.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.hinge.contrast import Examples, Recipe, Standard, train_bridge
from ingest.encoders.hinge.experts import Drawings
from ingest.encoders.hinge.learn_gate import learn_gate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge

    Floats = NDArray[np.float32]

DRAWINGS_RECIPE = Recipe(epochs=12, residual=0.8)
"""What made the committed weights: shorter than on the figures alone, as there are more pictures,
and with less of ConSE, whose network knows photographs."""

RANK = 128
"""Of the map. On drawings that nothing was trained on, as many are found as with the whole map from
a rank of 96 on (of 384); this is 99 % of what the map says."""

_NO_SPREAD = 1e-6


def add_drawings(
    bridge: Bridge, figures: Examples, drawings: Examples, recipe: Recipe = DRAWINGS_RECIPE
) -> Bridge:
    """The bridge with an expert for drawings.

    Args:
        bridge: Its map, classes and temperature stay.
        figures: What the bridge was trained on: its images are to lie where they lay.
        drawings: What is new.
        recipe: Of the expert; its residual weight is also the expert's afterwards.
    """
    standard = Standard(bridge.mean, bridge.scale)
    kinds = np.repeat([0, 1], [len(figures.features), len(drawings.features)])
    trained = train_bridge(
        concatenate(figures, drawings),
        replace(recipe, softness=bridge.temperature),
        standard=standard,
        kinds=kinds,
    )
    seen, drawn = (standard.apply(some.features) for some in (figures, drawings))
    inner, outer = to_low_rank(trained.weight, np.concatenate([seen, drawn]), RANK)
    gate = learn_gate(drawn, [seen])
    expert = Drawings(inner, outer, trained.bias, gate, recipe.residual)
    return replace(bridge, drawings=expert)


def to_low_rank(weight: Floats, rows: Floats, rank: int) -> tuple[Floats, Floats]:
    """The map of this rank whose outcome on these rows differs least: a weighted SVD.

    Args:
        weight: ``(outputs, inputs)`` float32.
        rows: ``(n, inputs)`` float32, what it is to map.
        rank: Of the product; what is more than the outputs counts as their number.

    Returns:
        ``(rank, inputs)`` and ``(outputs, rank)`` float32; the map is the second times the first.
    """
    moment = rows.T.astype(np.float64) @ rows / len(rows)
    moment += _NO_SPREAD * np.eye(len(moment))
    root = np.linalg.cholesky(moment)
    outer, sizes, directions = np.linalg.svd(weight @ root, full_matrices=False)
    inner = np.linalg.solve(root.T, directions[:rank].T * sizes[:rank]).T
    return inner.astype(np.float32), outer[:, :rank].astype(np.float32)


def concatenate(first: Examples, second: Examples) -> Examples:
    """The pictures of both, with the classes of the first."""
    most = max(first.owned.shape[1], second.owned.shape[1])
    moved = np.where(second.owned < 0, -1, second.owned + len(first.texts))
    owned = [
        np.pad(rows, ((0, 0), (0, most - rows.shape[1])), constant_values=-1)
        for rows in (first.owned, moved)
    ]
    return Examples(
        features=np.concatenate([first.features, second.features]),
        logits=np.concatenate([first.logits, second.logits]),
        texts=np.concatenate([first.texts, second.texts]),
        owned=np.concatenate(owned),
        classes=first.classes,
    )
