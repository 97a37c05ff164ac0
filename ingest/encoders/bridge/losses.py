"""Losses over a step's cosines; needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.encoders.bridge.recipe import Objective

if TYPE_CHECKING:
    from typing import Final

    import torch

    from ingest.encoders.bridge.recipe import Recipe

_IMPOSSIBLE: Final = -1e4


def to_loss(cosines: torch.Tensor, wrong: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """The loss of both directions, as the recipe says.

    Args:
        cosines: ``(b, b)`` of images to texts; the diagonal holds the pairs.
        wrong: ``(b, b)`` bool, True where the text is not the image's.
        recipe: Objective, temperature and margin.
    """
    one, other = (
        _to_direction(scores, mask, recipe)
        for scores, mask in ((cosines, wrong), (cosines.T, wrong.T))
    )
    return (one + other) / 2


def _to_direction(scores: torch.Tensor, wrong: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    import torch

    count = len(scores)
    if recipe.objective is Objective.TRIPLET:
        hardest = scores.masked_fill(~wrong, _IMPOSSIBLE).amax(dim=1)
        return (recipe.margin + hardest - scores.diagonal()[:count]).relu().mean()
    # A text that is right for another image of the step too is neither's negative.
    others = ~wrong
    others.fill_diagonal_(0)
    logits = (scores / recipe.temperature).masked_fill(others, _IMPOSSIBLE)
    return torch.nn.functional.cross_entropy(logits, torch.arange(count))
