"""Losses over a step's cosines; needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.encoders.bridge.recipe import Objective

if TYPE_CHECKING:
    from typing import Final

    import torch

    from ingest.encoders.bridge.recipe import Recipe

_IMPOSSIBLE: Final = -1e4


def to_direction_loss(cosines: torch.Tensor, right: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """The loss of queries over candidates, as the recipe says.

    Args:
        cosines: ``(b, c)`` of queries to candidates; candidate ``i`` is query ``i``'s.
        right: ``(b, c)`` bool, every candidate that belongs to the query: those beside its own
            count neither for it nor against.
        recipe: Objective, temperature and margin.
    """
    import torch

    if recipe.objective is Objective.TRIPLET:
        hardest = cosines.masked_fill(right, _IMPOSSIBLE).amax(dim=1)
        return (recipe.margin + hardest - cosines.diagonal()).relu().mean()
    others = right.clone().fill_diagonal_(0)
    logits = (cosines / recipe.temperature).masked_fill(others, _IMPOSSIBLE)
    return torch.nn.functional.cross_entropy(logits, torch.arange(len(cosines)))
