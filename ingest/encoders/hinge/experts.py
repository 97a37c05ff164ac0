"""Train the expert for drawings beside a finished map, which stays as it is.

It learns from the figures as well, each kind of picture contrasted with its own kind alone; a
logistic regression on the same features learns which of the two maps an image is for, so that
nothing that the expert learns moves a photograph. Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.hinge.bridge import Drawings
from ingest.encoders.hinge.contrast import Examples, Recipe, Standard, train_bridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge

    Floats = NDArray[np.float32]

DRAWINGS_RECIPE = Recipe(epochs=12, residual=0.8)
"""What made the committed weights: shorter than on the figures alone, as there are more pictures,
and with less of ConSE, whose network knows photographs."""

GATE_DECAY = 1.7
"""Weight of the squared weights in the regression's loss. A strong one: it is to tell what else
drawings there are, not to part the training's from its figures."""

GATE_SHARPNESS = 2.0
"""What the regression's logits are multiplied by: so strong a decay leaves them all near 0."""

_STEPS = 100


@dataclass(frozen=True, slots=True)
class Gate:
    """A logistic regression: ``sigmoid(weight z + threshold)``.

    Attributes:
        weight: ``(features,)`` float32.
        threshold: What is added.
    """

    weight: Floats
    threshold: float


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
    gate = fit_gate(standard.apply(figures.features), standard.apply(drawings.features))
    expert = Drawings(
        weight=trained.weight,
        bias=trained.bias,
        gate=GATE_SHARPNESS * gate.weight,
        threshold=GATE_SHARPNESS * gate.threshold,
        residual=recipe.residual,
    )
    return replace(bridge, drawings=expert)


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


def fit_gate(photographs: Floats, drawings: Floats) -> Gate:
    """Tell drawings from photographs, both kinds counting the same however many there are.

    Args:
        photographs: ``(n, features)`` float32, standardised.
        drawings: ``(m, features)`` float32, standardised likewise.
    """
    import torch

    rows = torch.from_numpy(np.concatenate([photographs, drawings]))
    is_drawing = torch.zeros(len(rows))
    is_drawing[len(photographs) :] = 1
    share = torch.where(is_drawing > 0, 0.5 / len(drawings), 0.5 / len(photographs))
    weight = torch.zeros(rows.shape[1], requires_grad=True)
    threshold = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, threshold], max_iter=_STEPS, line_search_fn="strong_wolfe"
    )

    def to_loss() -> torch.Tensor:
        optimizer.zero_grad()
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            rows @ weight + threshold, is_drawing, reduction="none"
        )
        loss = (share * losses).sum() + GATE_DECAY / 2 * (weight**2).sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(to_loss)  # type: ignore[no-untyped-call]
    return Gate(weight.detach().numpy(), float(threshold.detach()))
