"""One run of a training by gradient: its own random numbers, its own weights; needs torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ingest.encoders.bridge.losses import to_direction_loss
from ingest.encoders.bridge.negatives import Mined, mine

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from numpy.typing import NDArray

    from ingest.encoders.bridge.pairing import Pairing
    from ingest.encoders.bridge.recipe import Recipe
    from ingest.encoders.bridge.trainable import Trainable

    Parameters = dict[str, torch.Tensor]

Value = TypeVar("Value")


class Member:
    """Trains both sides' parameters, epoch by epoch.

    Args:
        images: The image side.
        texts: The text side.
        pairing: Which belong together.
        recipe: How.
        seed: Of its random numbers.

    Attributes:
        parameters: Of both sides, by ``images.NAME`` and ``texts.NAME``.
    """

    def __init__(
        self, images: Trainable, texts: Trainable, pairing: Pairing, recipe: Recipe, seed: int
    ) -> None:
        """Draw the first weights."""
        import torch

        self._images, self._texts, self._pairing, self._recipe = images, texts, pairing, recipe
        self._random = torch.Generator().manual_seed(seed)
        self._step = 0
        self._steps = recipe.epochs * -(-images.count // recipe.batch)
        self.parameters: Parameters = {
            f"{name}.{key}": value.requires_grad_()
            for name, side in (("images", images), ("texts", texts))
            for key, value in side.create(self._random).items()
        }
        self._optimizer = torch.optim.AdamW(
            self.parameters.values(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )

    def advance(self) -> float:
        """One epoch; the mean of its losses."""
        import torch

        order = torch.randperm(self._images.count, generator=self._random)
        drawn = self._pairing.draw(self._random)
        mined = self._mine(drawn) if self._recipe.hard_negatives else None
        losses = [
            self._learn(rows, drawn[rows], mined) for rows in torch.split(order, self._recipe.batch)
        ]
        return float(np.mean(losses))

    def _mine(self, drawn: torch.Tensor) -> Mined:
        import torch

        with torch.no_grad():
            images = self._images.forward_all(part_of(self.parameters, "images"))
            texts = self._texts.forward_all(part_of(self.parameters, "texts"))[drawn]
        return mine(images, texts, drawn, self._pairing, self._recipe.hard_negatives)

    def _learn(self, rows: torch.Tensor, texts: torch.Tensor, mined: Mined | None) -> float:
        import torch

        progress = math.cos(math.pi * self._step / self._steps)
        self._optimizer.param_groups[0]["lr"] = self._recipe.learning_rate * (1 + progress) / 2
        loss = self._to_loss(rows, texts, mined)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._optimizer.step()
        self._step += 1
        return float(loss.item())

    def _to_loss(
        self, rows: torch.Tensor, texts: torch.Tensor, mined: Mined | None
    ) -> torch.Tensor:
        count = len(rows)
        more_rows, more_texts = (rows, texts) if mined is None else mined.join(rows, texts)
        images = self._images.forward(part_of(self.parameters, "images"), more_rows, self._random)
        said = self._texts.forward(part_of(self.parameters, "texts"), more_texts, self._random)
        to_texts = to_direction_loss(
            images[:count] @ said.T, self._pairing.find_right(rows, more_texts), self._recipe
        )
        to_images = to_direction_loss(
            said[:count] @ images.T, self._pairing.find_right(more_rows, texts).T, self._recipe
        )
        return (to_texts + to_images) / 2

    def to_state(self) -> tuple[dict[str, NDArray[Any]], int]:
        """Its arrays and how many steps it took; :meth:`restore` goes on from there."""
        arrays = {"random": self._random.get_state().numpy()}
        for name, value in self.parameters.items():
            arrays[f"value.{name}"] = value.detach().numpy()
            for key, moment in self._optimizer.state[value].items():
                arrays[f"{key}.{name}"] = moment.numpy()
        return arrays, self._step

    def restore(self, arrays: Mapping[str, NDArray[Any]], step: int) -> None:
        """Go on from a state.

        Raises:
            KeyError: A part is missing.
            ValueError: A part has another shape.
        """
        import torch

        for name, value in self.parameters.items():
            stored = {
                key: torch.from_numpy(arrays[f"{key}.{name}"].copy())
                for key in ("value", "step", "exp_avg", "exp_avg_sq")
            }
            if stored["value"].shape != value.shape:
                msg = f"{name} has another shape"
                raise ValueError(msg)
            value.data.copy_(stored.pop("value"))
            self._optimizer.state[value] = stored
        self._random.set_state(torch.from_numpy(arrays["random"].copy()))
        self._step = step


def part_of(named: Mapping[str, Value], name: str) -> dict[str, Value]:
    """What is named ``NAME.key``, by the rest of its name."""
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): value for key, value in named.items() if key.startswith(prefix)
    }
