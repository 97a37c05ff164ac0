"""Train a bridge by contrast: InfoNCE or triplets, by gradient, on frozen features; needs torch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.encoders.bridge.checkpoint import Checkpoint, to_digest
from ingest.encoders.bridge.member import Member, part_of
from ingest.encoders.bridge.pairing import Pairing
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.side import Base
from ingest.encoders.bridge.start import to_starts, width_of
from ingest.encoders.bridge.trainable import Trainable
from ingest.encoders.bridge.training import CUT, Epoch, Trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

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
        checkpoints: Folder of its state; None keeps none.
    """

    def __init__(
        self,
        examples: Examples,
        validation: Examples,
        recipe: Recipe,
        conse: Conse | None,
        checkpoints: Path | None,
    ) -> None:
        """Prepare both sides, and read the state of an earlier run."""
        self._recipe, self._validation = recipe, validation
        width = width_of(examples, recipe)
        starts = to_starts(examples, recipe, conse)
        self._images, self._texts = (
            Trainable(start, part, width=width, hidden=recipe.hidden, dropout=recipe.dropout)
            for start, part in zip(starts, (examples.images, examples.texts), strict=True)
        )
        self._pairing = Pairing(examples)
        self._epochs: list[Epoch] = []
        self._best, self._best_score = 0, self._score_start()
        self._start_over()
        self._checkpoint = None
        if checkpoints is not None:
            digest = to_digest(examples, validation, recipe, conse)
            self._checkpoint = Checkpoint(checkpoints, digest)
            self._resume(self._checkpoint)

    def run(self, on_epoch: Callable[[Epoch], None]) -> Trained:
        """Train until the epochs or the patience end."""
        for epoch in self._epochs:
            on_epoch(epoch)
        with _one_thread():
            while len(self._epochs) < self._recipe.epochs and not self._is_patience_over():
                self._epochs.append(self._advance())
                self._save()
                on_epoch(self._epochs[-1])
        images, texts = self._to_sides(self._kept)
        stopped = len(self._epochs) < self._recipe.epochs
        return Trained(images, texts, tuple(self._epochs), self._best, stopped)

    def _start_over(self) -> None:
        """First weights; a base alone is what is kept until an epoch finds more."""
        recipe = self._recipe
        seeds = range(recipe.seed, recipe.seed + recipe.members)
        self._members = [
            Member(self._images, self._texts, self._pairing, recipe, seed) for seed in seeds
        ]
        self._kept: Parameters = self._average() if recipe.base is Base.NONE else {}

    def _score_start(self) -> tuple[float, float]:
        if self._recipe.base is Base.NONE or not len(self._validation):
            return -1.0, -1.0
        return recall(*self._to_sides({}), self._validation, (CUT,)).to_score(CUT)

    def _is_patience_over(self) -> bool:
        patience = self._recipe.patience if len(self._validation) else 0
        return 0 < patience <= len(self._epochs) - self._best

    def _advance(self) -> Epoch:
        loss = float(np.mean([member.advance() for member in self._members]))
        parameters = self._average()
        found = recall(*self._to_sides(parameters), self._validation, (CUT,))
        number, score = len(self._epochs) + 1, found.to_score(CUT)
        if score > self._best_score or not len(self._validation):
            self._best, self._best_score, self._kept = number, score, parameters
        both = found.text_to_image[CUT], found.image_to_text[CUT]
        return Epoch(number, self._recipe.epochs, loss, *both)

    def _average(self) -> Parameters:
        """Fresh tensors: the members' own change as they learn."""
        import torch

        members = [member.parameters for member in self._members]
        return {
            name: torch.stack([member[name].detach() for member in members]).mean(dim=0)
            for name in members[0]
        }

    def _to_sides(self, parameters: Parameters) -> tuple[Side, Side]:
        return (
            self._images.to_side(part_of(parameters, "images")),
            self._texts.to_side(part_of(parameters, "texts")),
        )

    def _save(self) -> None:
        if self._checkpoint is None:
            return
        states = [member.to_state() for member in self._members]
        arrays = {f"kept.{name}": value.numpy() for name, value in self._kept.items()}
        for nth, (parts, _) in enumerate(states):
            arrays |= {f"{nth}.{name}": value for name, value in parts.items()}
        state = {
            "epochs": [asdict(epoch) for epoch in self._epochs],
            "best": self._best,
            "best_score": self._best_score,
            "step": states[0][1],
        }
        self._checkpoint.write(arrays, state)

    def _resume(self, checkpoint: Checkpoint) -> None:
        found = checkpoint.read()
        if found is None:
            return
        try:
            self._restore(*found)
        except (KeyError, ValueError, TypeError, RuntimeError):
            self._epochs, self._best, self._best_score = [], 0, self._score_start()
            self._start_over()

    def _restore(self, arrays: dict[str, NDArray[Any]], state: Any) -> None:  # noqa: ANN401
        import torch

        self._epochs = [Epoch(**fields) for fields in state["epochs"]]
        self._best = int(state["best"])
        recalled, reciprocal = state["best_score"]
        self._best_score = float(recalled), float(reciprocal)
        for nth, member in enumerate(self._members):
            member.restore(part_of(arrays, str(nth)), int(state["step"]))
        kept = part_of(arrays, "kept")
        self._kept = {name: torch.from_numpy(value.copy()) for name, value in kept.items()}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch computes by one thread inside."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
