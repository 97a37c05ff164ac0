"""Train the bridge's linear layer by contrast, on features that the frozen towers made.

The loss is InfoNCE (van den Oord et al. 2018) both ways, as in CLIP (Radford et al. 2021): of all
texts of a step the right one is to be nearest to the image, and of all images the right one to the
text.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.hinge.bridge import Bridge

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_log = logging.getLogger(__name__)

_SAME_TEXT_COSINE = 0.999
_IMPOSSIBLE = -1e4


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the bridge is trained; the defaults made the committed weights.

    Attributes:
        seed: Of the first member; the others count on from it.
        members: How many runs are averaged, weight by weight.
        epochs: Passes over the figures, per member.
        batch: Figures a step; each is every other one's negative.
        learning_rate: At the start; it falls to 0 along a cosine.
        weight_decay: Of AdamW.
        dropout: Share of the features that a step does not see.
        contrast: The temperature of InfoNCE.
        residual: Weight of the ConSE part, in training and after.
        softness: Temperature of the class likelihoods in ConSE.
    """

    seed: int = 0
    members: int = 4
    epochs: int = 20
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.7
    contrast: float = 0.07
    residual: float = 1.2
    softness: float = 2.0


@dataclass(frozen=True, slots=True)
class Examples:
    """What training reads, all of it computed once by the frozen towers.

    Attributes:
        features: ``(n, features)`` float32.
        logits: ``(n, 1000)`` float32.
        texts: ``(m, 384)`` float32 unit rows.
        owned: ``(n, k)`` int64: rows of ``texts`` that belong to each figure, filled up with -1 at
            the end; each figure has at least one.
        classes: ``(1000, 384)`` float32, for ConSE.
    """

    features: Floats
    logits: Floats
    texts: Floats
    owned: NDArray[np.int64]
    classes: Floats


@dataclass(frozen=True, slots=True)
class Standard:
    """What makes features comparable: ``(features - mean) / scale``.

    Attributes:
        mean: ``(features,)`` float32.
        scale: ``(features,)`` float32, positive.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, features: Floats) -> Standard:
        """The one that gives these features a mean of 0 and a deviation of 1."""
        return cls(features.mean(axis=0), features.std(axis=0) + np.float32(1e-6))

    def apply(self, features: Floats) -> Floats:
        """``(n, features)`` float32, standardised."""
        return np.asarray((features - self.mean) / self.scale, dtype=np.float32)


def train_bridge(
    examples: Examples,
    recipe: Recipe,
    *,
    standard: Standard | None = None,
    kinds: NDArray[np.int64] | None = None,
) -> Bridge:
    """Train every member and average them; needs torch.

    Computed by one thread, so that the same seed gives the same weights on the same machine.

    Args:
        examples: What to learn from.
        recipe: How.
        standard: Of the features; None takes the examples' own.
        kinds: ``(n,)``, what kind of picture each is: those of different kinds are not contrasted,
            so that the map learns what is in them and not which kind they are. None is one kind.
    """
    import torch

    standard = standard or Standard.of(examples.features)
    kinds = np.zeros(len(examples.features), dtype=np.int64) if kinds is None else kinds
    features = torch.from_numpy(standard.apply(examples.features))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        members = [
            _Member(examples, features, kinds, replace(recipe, seed=recipe.seed + nth)).train()
            for nth in range(recipe.members)
        ]
    finally:
        torch.set_num_threads(threads)
    return Bridge(
        mean=standard.mean,
        scale=standard.scale,
        weight=np.mean([weight for weight, _ in members], axis=0),
        bias=np.mean([bias for _, bias in members], axis=0),
        classes=examples.classes,
        temperature=recipe.softness,
        residual=recipe.residual,
    )


class _Member:
    """One run: its own random numbers, its own layer."""

    def __init__(
        self,
        examples: Examples,
        features: torch.Tensor,
        kinds: NDArray[np.int64],
        recipe: Recipe,
    ) -> None:
        import torch

        self._recipe = recipe
        self._random = torch.Generator().manual_seed(recipe.seed)
        self._features = features
        self._kinds = torch.from_numpy(kinds)
        self._texts = torch.from_numpy(examples.texts)
        self._owned = torch.from_numpy(examples.owned)
        self._choices = (self._owned >= 0).sum(dim=1)
        conse = Conse(examples.classes, recipe.softness).apply(examples.logits)
        self._residual = recipe.residual * torch.from_numpy(conse)
        width = examples.texts.shape[1], features.shape[1]
        self._weight = (torch.randn(*width, generator=self._random) * 0.01).requires_grad_()
        self._bias = torch.zeros(width[0], requires_grad=True)

    def train(self) -> tuple[Floats, Floats]:
        """Run every epoch; the layer's weight and bias."""
        import torch

        recipe, count = self._recipe, len(self._features)
        optimizer = torch.optim.AdamW(
            [self._weight, self._bias], lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        steps = recipe.epochs * -(-count // recipe.batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        losses = [0.0]
        for epoch in range(recipe.epochs):
            losses = []
            for rows in torch.split(torch.randperm(count, generator=self._random), recipe.batch):
                loss = self._to_loss(rows)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
            _log.debug("seed %d, epoch %d: loss %.4f", recipe.seed, epoch, np.mean(losses))
        _log.info("seed %d: loss of the last epoch %.4f", recipe.seed, np.mean(losses))
        return self._weight.detach().numpy(), self._bias.detach().numpy()

    def _to_loss(self, rows: torch.Tensor) -> torch.Tensor:
        import torch

        texts = self._draw_texts(rows)
        scores = self._to_images(rows) @ texts.T / self._recipe.contrast
        # Two figures may share a text; then neither is the other's negative.
        same = (texts @ texts.T > _SAME_TEXT_COSINE).fill_diagonal_(0)
        kinds = self._kinds[rows]
        scores = scores.masked_fill(same | (kinds[:, None] != kinds[None]), _IMPOSSIBLE)
        right = torch.arange(len(rows))
        cross_entropy = torch.nn.functional.cross_entropy
        return (cross_entropy(scores, right) + cross_entropy(scores.T, right)) / 2

    def _to_images(self, rows: torch.Tensor) -> torch.Tensor:
        import torch

        inputs = self._features[rows]
        kept = torch.rand(inputs.shape, generator=self._random) >= self._recipe.dropout
        inputs = inputs * kept / (1 - self._recipe.dropout)
        normalize = torch.nn.functional.normalize
        mapped = normalize(inputs @ self._weight.T + self._bias, dim=1)
        return normalize(mapped + self._residual[rows], dim=1)

    def _draw_texts(self, rows: torch.Tensor) -> torch.Tensor:
        """One text of each figure, each of its texts as likely."""
        import torch

        drawn = torch.rand(len(rows), generator=self._random) * self._choices[rows]
        return self._texts[self._owned[rows, drawn.long()]]
