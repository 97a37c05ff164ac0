"""How a bridge is trained: everything that decides the weights, beside the data."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from ingest.encoders.bridge.side import Base
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from typing import Final


class MapKind(StrEnum):
    """The shape of a trained map; see :mod:`ingest.encoders.bridge.maps`."""

    NONE = "none"
    """Nothing is trained on this side."""
    LINEAR = "linear"
    RESIDUAL = "residual"
    """Linear, plus a hidden layer."""
    MLP = "mlp"


class Objective(StrEnum):
    """What training aims at."""

    INFONCE = "infonce"
    """The right one nearest among all of a step, both ways (van den Oord et al. 2018)."""
    TRIPLET = "triplet"
    """Nearer than the hardest wrong one of a step by a margin (Faghri et al. 2018, VSE++)."""
    RIDGE = "ridge"
    """Least squares onto the texts' vectors, in closed form."""
    CCA = "cca"
    """Directions of both sides that vary together, regularised, in closed form (Hotelling 1936)."""


CLOSED_FORM: Final = frozenset({Objective.RIDGE, Objective.CCA})
"""Objectives that are solved at once, without torch."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a bridge is trained.

    Attributes:
        objective: What training aims at.
        image_map: Of the image side.
        text_map: Of the text side; none leaves texts where their encoder puts them.
        base: What the image side gives before training. An own base needs one encoder for both
            modalities, and is then the text side's too.
        base_weight: Of a ConSE base against the map's unit rows.
        softness: Temperature of the class likelihoods in ConSE.
        hidden: Width of a hidden layer.
        dimension: Of the shared space, for CCA; None for as many as there are, at most.
        epochs: Passes over the pairs, at most.
        patience: Epochs without a better validation recall before training stops; 0 never stops.
        batch: Pairs a step; each is every other one's negative.
        learning_rate: At the start; it falls to 0 along a cosine.
        weight_decay: Of AdamW.
        dropout: Share of the features that a step does not see.
        temperature: Of InfoNCE.
        hard_negatives: Of each pair, how many of the nearest wrong texts and images from the whole
            training set join a step; renewed every epoch.
        margin: Of the triplet loss, in cosine.
        ridge: Regularisation of the closed forms, as a share of the mean variance; None chooses
            it on the validation pairs.
        members: Runs whose weights are averaged; only linear maps can be.
        seed: Of the first member; the others count on from it.
    """

    objective: Objective = Objective.INFONCE
    image_map: MapKind = MapKind.LINEAR
    text_map: MapKind = MapKind.NONE
    base: Base = Base.NONE
    base_weight: float = 0.8
    softness: float = 2.0
    hidden: int = 512
    dimension: int | None = None
    epochs: int = 20
    patience: int = 8
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.7
    temperature: float = 0.07
    hard_negatives: int = 0
    margin: float = 0.2
    ridge: float | None = None
    members: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            SettingsError: It names the two options, and what to choose.
        """
        self._check_numbers()
        maps = {self.image_map, self.text_map}
        if self.image_map is MapKind.NONE:
            raise SettingsError("nothing would be trained: choose a map for images")
        if self.objective in CLOSED_FORM and not maps <= {MapKind.LINEAR, MapKind.NONE}:
            raise SettingsError(
                f"{self.objective} is solved in closed form, which only linear maps can be: choose "
                f"--map linear, or --objective infonce"
            )
        if self.objective is Objective.CCA and MapKind.NONE in maps:
            raise SettingsError("cca maps both sides: choose --text-map linear")
        if self.objective is Objective.CCA and self.base is not Base.NONE:
            raise SettingsError("cca makes a space of its own, without a base: choose --base none")
        if self.objective is Objective.RIDGE and self.text_map is not MapKind.NONE:
            raise SettingsError("ridge maps images onto the texts: choose --text-map none")
        if self.members > 1 and not maps <= {MapKind.LINEAR, MapKind.NONE}:
            raise SettingsError("only linear maps can be averaged: choose --members 1")

    def _check_numbers(self) -> None:
        for name, value in ((one.name, getattr(self, one.name)) for one in fields(self)):
            if isinstance(value, float) and not (math.isfinite(value) and value >= 0):
                option = name.replace("_", "-")
                raise SettingsError(f"--{option} is a number from 0 up, not {value}")
