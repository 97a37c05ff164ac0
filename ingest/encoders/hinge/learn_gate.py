"""Learn how much of an image is an expert's, by logistic regression; needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DECAY = 1.7
"""Weight of the squared weights in the regression's loss. A strong one: it is to tell what else of
the kind there is, not to part the training's images from the others."""

SHARPNESS = 2.0
"""What the regression's logits are multiplied by: so strong a decay leaves them all near 0."""

_STEPS = 100


def learn_gate(own: Floats, others: Sequence[Floats]) -> Gate:
    """Tell an expert's images from others; both count the same however many there are.

    Args:
        own: ``(n, features)`` float32, standardised.
        others: Kinds of other images, each ``(m, features)`` float32, standardised likewise. Each
            kind counts as much as any other.
    """
    import torch

    rows = torch.from_numpy(np.concatenate([own, *others]))
    is_own = torch.zeros(len(rows))
    is_own[: len(own)] = 1
    counts = [len(own), *(len(kind) for kind in others)]
    parts = [0.5, *(0.5 / len(others) for _ in others)]
    share = torch.from_numpy(np.repeat(np.divide(parts, counts), counts).astype(np.float32))
    weight = torch.zeros(rows.shape[1], requires_grad=True)
    threshold = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, threshold], max_iter=_STEPS, line_search_fn="strong_wolfe"
    )

    def to_loss() -> torch.Tensor:
        optimizer.zero_grad()
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            rows @ weight + threshold, is_own, reduction="none"
        )
        loss = (share * losses).sum() + DECAY / 2 * (weight**2).sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(to_loss)  # type: ignore[no-untyped-call]
    sharp = (SHARPNESS * weight).detach().numpy()
    return Gate(sharp, SHARPNESS * float(threshold.detach()))
