"""Fit the expert for dishes beside a finished map, which stays as it is.

All of it is closed form (but for the gate, which needs torch): a hundred photographs are too few
for a map of their own, and enough for a mean and for what the texts say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.examples import renumber
from ingest.encoders.bridge.gate import balance, solve_ridge
from ingest.encoders.hinge.contrast import Examples, Standard
from ingest.encoders.hinge.experts import Dishes
from ingest.encoders.hinge.learn_gate import learn_gate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge

    Floats = NDArray[np.float32]

RESIDUAL = 2.0
"""Weight of ConSE in a dish, above the 1.2 of other photographs: the map learnt from books."""

COMMON_LENGTH = 0.85
"""How much dishes in general count beside how a dish differs from them. With less, other things
come between dishes and their texts; with more, a dish is found less well among dishes."""

RARITY = 2.0
"""What the gate's logit is lowered by: the regression assumes that every other image is a dish. One
in about eight is nearer to what folders hold, and leaves pictures of people at table to the map."""

SPREAD_RIDGE = 1.0
"""Variance that every direction is given besides its own, in mean variances."""

COMMON_RIDGE = 0.01
"""Of the regression that finds what texts about dishes have in common; unit rows spread over 384
directions have a variance of 1 / 384 in each."""


def add_dishes(
    bridge: Bridge,
    figures: Examples,
    are_dishes: NDArray[np.bool_],
    drawings: Examples | None = None,
) -> Bridge:
    """The bridge with an expert for dishes.

    Args:
        bridge: Everything that it has stays.
        figures: What the bridge was trained on.
        are_dishes: ``(n,)``, which of the figures are photographs of dishes; some, not all.
        drawings: What is no photograph, not even where it shows a dish; None where there is none.
    """
    dishes, others = (take(figures, rows) for rows in (are_dishes, ~are_dishes))
    photographs = replace(bridge, residual=RESIDUAL, drawings=None, dishes=None)
    standard = Standard(bridge.mean, bridge.scale)
    rest = [others] if drawings is None else [others, drawings]
    gate = learn_gate(
        standard.apply(dishes.features), [standard.apply(kind.features) for kind in rest]
    )
    expert = Dishes(
        centre=photographs.to_vectors(dishes.features, dishes.logits).mean(axis=0),
        spread=to_spread(dishes.texts),
        common=np.float32(COMMON_LENGTH) * to_common(dishes.texts, others.texts),
        gate=replace(gate, threshold=gate.threshold - RARITY),
        residual=RESIDUAL,
    )
    return replace(bridge, dishes=expert)


def to_spread(texts: Floats) -> Floats:
    """The square root of the texts' covariance, every direction given some.

    Args:
        texts: ``(n, d)`` float32.

    Returns:
        ``(d, d)`` float32, symmetric and positive; its square is in the texts' mean variances.
    """
    covariance = np.cov(texts.T.astype(np.float64))
    mean_variance = np.trace(covariance) / len(covariance)
    variances, directions = np.linalg.eigh(covariance / mean_variance)
    roots = np.sqrt(np.maximum(variances, 0) + SPREAD_RIDGE)
    return np.asarray((directions * roots) @ directions.T, dtype=np.float32)


def to_common(texts: Floats, others: Floats) -> Floats:
    """The direction in which these texts are alike and lie apart from others.

    A ridge regression of which texts they are: its fit is about the same for each of the texts, so
    that the direction prefers none of them.

    Args:
        texts: ``(n, d)`` float32.
        others: ``(m, d)`` float32.

    Returns:
        ``(d,)`` float32 of unit length.
    """
    rows, wanted, _ = balance(texts, others)
    direction = solve_ridge(rows, wanted, COMMON_RIDGE)
    return np.asarray(direction / np.linalg.norm(direction), dtype=np.float32)


def take(examples: Examples, rows: NDArray[np.bool_]) -> Examples:
    """Some of the pictures, with the texts that are theirs and no others.

    Args:
        examples: Of ``n`` pictures.
        rows: ``(n,)``, which of them.
    """
    kept, owned = renumber(examples.owned[rows])
    return replace(
        examples,
        features=examples.features[rows],
        logits=examples.logits[rows],
        texts=examples.texts[kept],
        owned=owned,
    )
