"""What a space without pairs is made with, beside the labels."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ingest.encoders.catalogue import HINGE_MODEL_ID
from schemas.errors import SettingsError
from schemas.labels import DEFAULT_TEMPLATES, check_templates

if TYPE_CHECKING:
    from pathlib import Path


class Method(StrEnum):
    """How an image gets its vector."""

    CONSE = "conse"
    """The mean of its likely classes' vectors (Norouzi et al. 2014)."""
    DEVISE = "devise"
    """A linear map of its features (Frome et al. 2013)."""


class Objective(StrEnum):
    """What a map is fitted by, of labelled images."""

    RIDGE = "ridge"
    """Least squares onto the vectors of their classes."""
    RANKING = "ranking"
    """DeViSE's hinge ranking loss."""


@dataclass(frozen=True, slots=True)
class ZeroShotOptions:
    """What a space without pairs is made with.

    Attributes:
        image_encoder: Hinge, image classifier, or with labelled images any image encoder.
        text_encoder: Any that has vectors of texts; None for the image encoder if it reads texts,
            else the hinge.
        image_revision: Exact revision; see :func:`~ingest.encoders.load.load_encoder`.
        text_revision: Likewise.
        method: How an image gets its vector.
        on_conse: Whether a map corrects ConSE, where the image encoder has classes, or stands
            alone.
        objective: Of a map that is learned of images.
        images: File of labelled images; None for none.
        temperature: What ConSE divides logits by.
        most_classes: How many classes of an image count in ConSE; None for all.
        base_weight: Of ConSE against a map that is made of no image; others are chosen on
            validation classes.
        templates: Sentences that names are put into.
        attribute_weight: Share of attributes in the vector of a class that has some, 0 to 1.
        unseen_share: Of the labels that do not say whether they are seen: how many are kept
            unseen, by lot.
        held_out: Share of each seen class's images that are only measured.
        data_licence: Of the images, as an SPDX id; for the card.
        cache: Whether what the encoders say of images is kept for the next time.
        seed: Of every lot.
        force: Whether a bridge that is there already is replaced.
    """

    image_encoder: str = HINGE_MODEL_ID
    text_encoder: str | None = None
    image_revision: str | None = None
    text_revision: str | None = None
    method: Method = Method.CONSE
    on_conse: bool = True
    objective: Objective = Objective.RIDGE
    images: Path | None = None
    temperature: float = 2.0
    most_classes: int | None = None
    base_weight: float = 2.0
    templates: tuple[str, ...] = DEFAULT_TEMPLATES
    attribute_weight: float = 0.5
    unseen_share: float = 0.0
    held_out: float = 0.3
    data_licence: str | None = None
    cache: bool = True
    seed: int = 0
    force: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            SettingsError: It names the option.
        """
        check_templates(self.templates)
        if not 0 < self.temperature < math.inf:
            raise SettingsError(f"--temperature is a number above 0, not {self.temperature}")
        if not 0 <= self.base_weight < math.inf:
            raise SettingsError(f"--base-weight is a number from 0 up, not {self.base_weight}")
        if not 0 <= self.attribute_weight <= 1:
            raise SettingsError(
                f"--attribute-weight is a share from 0 to 1, not {self.attribute_weight}"
            )
        for name in ("unseen_share", "held_out"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                option = name.replace("_", "-")
                raise SettingsError(f"--{option} is a share from 0 to below 1, not {value}")

    def to_json(self) -> dict[str, Any]:
        """What decides the vectors, JSON-ready."""
        left_out = {"images", "cache", "force", "data_licence"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}
