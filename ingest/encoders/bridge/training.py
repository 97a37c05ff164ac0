"""Train a bridge: the one entrance, whatever the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.recipe import CLOSED_FORM
from schemas.errors import InvalidVector, ModelUnavailable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Final

    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.recipe import Recipe
    from ingest.encoders.bridge.side import Side


CUT: Final = 10
"""Of the recall that decides."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the pairs.

    Attributes:
        number: From 1.
        epochs: How many there are at most.
        loss: Mean over its steps.
        text_to_image: Recall@10 of the validation's texts after it, 0..1; 0 without validation.
        image_to_text: Recall@10 of the validation's images after it, 0..1; 0 without validation.
    """

    number: int
    epochs: int
    loss: float
    text_to_image: float
    image_to_text: float

    @property
    def recall(self) -> float:
        """What decides the best epoch: the mean of both directions."""
        return (self.text_to_image + self.image_to_text) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What training made.

    Attributes:
        images: Side of the images.
        texts: Side of the texts.
        epochs: In order; none of a closed form.
        best: Number of the epoch whose weights these are. 0 is the start: nothing that was
            learnt found more of the validation pairs. Without validation it is the last.
        stopped_early: Whether patience ended the training.
    """

    images: Side
    texts: Side
    epochs: tuple[Epoch, ...] = ()
    best: int = 0
    stopped_early: bool = False

    @property
    def is_gated(self) -> bool:
        """Whether a gate stands before a map."""
        return self.images.gate is not None or self.texts.gate is not None


def train(
    examples: Examples,
    validation: Examples,
    recipe: Recipe,
    *,
    conse: Conse | None = None,
    checkpoints: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a bridge as a recipe says.

    The same examples, recipe and seed give the same weights on one machine.

    Args:
        examples: What it learns from; one pair is enough to run.
        validation: What decides when to stop, how strongly a closed form is regularised and
            which epoch is kept. It may be empty: then every epoch runs and the last is kept.
        recipe: How.
        conse: Of a ConSE base.
        checkpoints: A folder for the state after each epoch, of the objectives that have epochs.
            A run that was killed goes on from there and ends with the same weights; state of
            other examples or another recipe is written over.
        on_epoch: Called after each epoch, with those of an earlier run first.

    Raises:
        SettingsError: The recipe does not go with the encoders, or there are no examples.
        InvalidVector: A feature is not finite; the message names the item.
        ModelUnavailable: The objective needs torch, which is not installed.
        OSError: A checkpoint cannot be written.
    """
    check(examples, "training")
    check(validation, "validation")
    if not len(examples):
        raise SettingsError("there is no pair to train on")
    if recipe.objective in CLOSED_FORM:
        from ingest.encoders.bridge.closed_form import solve

        return solve(examples, validation, recipe, conse)
    return _train_by_gradient(examples, validation, recipe, conse, checkpoints, on_epoch)


def _train_by_gradient(
    examples: Examples,
    validation: Examples,
    recipe: Recipe,
    conse: Conse | None,
    checkpoints: Path | None,
    on_epoch: Callable[[Epoch], None] | None,
) -> Trained:
    try:
        from ingest.encoders.bridge.contrast import Contrast

        run = Contrast(examples, validation, recipe, conse, checkpoints)
    except ModuleNotFoundError as error:
        raise ModelUnavailable(
            f"{recipe.objective} needs the package {error.name}: pip install 'diptych[models]', or "
            f"choose --objective ridge, which needs numpy alone"
        ) from error
    return run.run(on_epoch or (lambda _: None))


def check(examples: Examples, name: str) -> None:
    """Refuse what would spoil every weight.

    Raises:
        InvalidVector: A number is not finite.
    """
    for kind, described in (("image", examples.images), ("text", examples.texts)):
        _check_finite(described, f"{name} {kind}")


def _check_finite(described: Described, name: str) -> None:
    for part in described.columns:
        if part is None or np.isfinite(part.sum(dtype=np.float64)):
            continue
        bad = np.flatnonzero(~np.isfinite(part).all(axis=1))
        if len(bad):
            raise InvalidVector(
                f"{name} {bad[0]} has a feature that is not finite "
                f"({len(bad)} of {len(part)} have): leave it out, or encode it again"
            )
