"""Train a bridge by contrast: InfoNCE or triplets, by gradient, on frozen features; needs torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.losses import to_loss
from ingest.encoders.bridge.pairing import Pairing
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.start import to_starts, width_of
from ingest.encoders.bridge.trainable import Trainable
from ingest.encoders.bridge.training import Epoch, Trained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.recipe import Recipe
    from ingest.encoders.bridge.side import Side

    Parameters = dict[str, torch.Tensor]


class Contrast:
    """A training run: every member goes one epoch further, then their mean is measured.

    Computed by one thread, so that the same seed gives the same weights on the same machine.

    Args:
        examples: What it learns from.
        validation: What decides the best epoch.
        recipe: How.
        conse: Of a ConSE base.
        checkpoints: Folder of its state.
    """

    def __init__(
        self,
        examples: Examples,
        validation: Examples,
        recipe: Recipe,
        conse: Conse | None,
        checkpoints: Path | None,
    ) -> None:
        """Prepare both sides."""
        self._recipe, self._validation = recipe, validation
        self._checkpoints = checkpoints
        width = width_of(examples, recipe)
        starts = to_starts(examples, recipe, conse)
        self._sides = tuple(
            Trainable(start, part, width=width, hidden=recipe.hidden, dropout=recipe.dropout)
            for start, part in zip(starts, (examples.images, examples.texts), strict=True)
        )
        self._pairing = Pairing(examples)
        seeds = range(recipe.seed, recipe.seed + recipe.members)
        self._members = [_Member(self._sides, self._pairing, recipe, seed) for seed in seeds]
        self._epochs: list[Epoch] = []
        self._best, self._best_recall = 0, -1.0
        self._kept: Parameters = {}

    def run(self, on_epoch: Callable[[Epoch], None] | None) -> Trained:
        """Train until the epochs or the patience end."""
        with _one_thread():
            self._consider_start()
            for _ in range(len(self._epochs), self._recipe.epochs):
                if self._is_over():
                    break
                self._epochs.append(self._advance())
                if on_epoch is not None:
                    on_epoch(self._epochs[-1])
            return self._finish()

    def _consider_start(self) -> None:
        """A base that no epoch improves on is kept as it was."""
        if not len(self._validation) or self._recipe.base == "none":
            return
        images, texts = (side.to_side(None) for side in self._sides)
        self._best_recall = recall(images, texts, self._validation, (10,)).to_mean(10)

    def _is_over(self) -> bool:
        patience = self._recipe.patience
        return (
            bool(patience and len(self._validation)) and len(self._epochs) - self._best >= patience
        )

    def _advance(self) -> Epoch:
        loss = float(np.mean([member.advance() for member in self._members]))
        parameters = self._average()
        found = recall(*self._to_sides(parameters), self._validation, (10,))
        number = len(self._epochs) + 1
        if not len(self._validation) or found.to_mean(10) > self._best_recall:
            self._best, self._best_recall = number, found.to_mean(10)
            self._kept = {name: value.clone() for name, value in parameters.items()}
        return Epoch(
            number, self._recipe.epochs, loss, found.text_to_image[10], found.image_to_text[10]
        )

    def _average(self) -> Parameters:
        import torch

        members = [member.parameters for member in self._members]
        return {
            name: torch.stack([member[name].detach() for member in members]).mean(dim=0)
            for name in members[0]
        }

    def _to_sides(self, parameters: Parameters) -> tuple[Side, Side]:
        images, texts = (
            side.to_side(_part(parameters, name))
            for side, name in zip(self._sides, ("images", "texts"), strict=True)
        )
        return images, texts

    def _finish(self) -> Trained:
        kept = self._kept if self._best or self._recipe.base != "none" else self._average()
        images, texts = self._to_sides(kept)
        stopped = len(self._epochs) < self._recipe.epochs
        return Trained(images, texts, tuple(self._epochs), self._best, stopped)


class _Member:
    """One run: its own random numbers, its own weights."""

    def __init__(
        self, sides: tuple[Trainable, ...], pairing: Pairing, recipe: Recipe, seed: int
    ) -> None:
        import torch

        self._sides, self._pairing, self._recipe = sides, pairing, recipe
        self.random = torch.Generator().manual_seed(seed)
        self.parameters = {
            f"{name}.{key}": value.requires_grad_()
            for name, side in zip(("images", "texts"), sides, strict=True)
            for key, value in side.create(self.random).items()
        }
        self.optimizer = torch.optim.AdamW(
            self.parameters.values(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.step = 0

    def advance(self) -> float:
        """One epoch; its mean loss."""
        import torch

        count = self._sides[0].count
        order = torch.randperm(count, generator=self.random)
        drawn = self._pairing.draw(self.random)
        losses = [self._learn(rows, drawn[rows]) for rows in torch.split(order, self._recipe.batch)]
        return float(np.mean(losses))

    def _learn(self, rows: torch.Tensor, texts: torch.Tensor) -> float:
        import torch

        steps = self._recipe.epochs * -(-self._sides[0].count // self._recipe.batch)
        rate = self._recipe.learning_rate * (1 + math.cos(math.pi * self.step / steps)) / 2
        self.optimizer.param_groups[0]["lr"] = rate
        loss = self._to_loss(rows, texts)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.step += 1
        return float(loss.item())

    def _to_loss(self, rows: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        images, said = (
            side.forward(_part(self.parameters, name), part, self.random)
            for side, name, part in zip(
                self._sides, ("images", "texts"), (rows, texts), strict=True
            )
        )
        wrong = ~self._pairing.find_right(rows, texts)
        return to_loss(images @ said.T, wrong, self._recipe)


def _part(parameters: Parameters, name: str) -> Parameters:
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): value
        for key, value in parameters.items()
        if key.startswith(prefix)
    }


class _one_thread:  # noqa: N801
    """Torch computes by one thread inside."""

    def __enter__(self) -> None:
        import torch

        self._threads = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        import torch

        torch.set_num_threads(self._threads)
