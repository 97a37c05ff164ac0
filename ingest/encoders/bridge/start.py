"""Both sides of a bridge before training: their bases, and how features are standardised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.recipe import MapKind
from ingest.encoders.bridge.side import Base, Side
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from typing import Final

    from numpy.typing import NDArray

    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.maps import Map
    from ingest.encoders.bridge.recipe import Recipe

    Floats = NDArray[np.float32]

_LEAST_SCALE: Final = 0.01
"""Share of the mean deviation: what hardly varies over few pairs must not rule unseen items."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """One side before training.

    Attributes:
        kind: Of the map to train.
        base: What it stands on.
        base_weight: Of the base.
        unit_map: Whether the map's rows are scaled to unit length before they are added.
        conse: Of a ConSE base.
        mean: ``(f,)`` float32.
        scale: ``(f,)`` float32, positive.
    """

    kind: MapKind
    base: Base
    base_weight: float
    unit_map: bool
    conse: Conse | None
    mean: Floats
    scale: Floats

    def to_base(self, described: Described) -> Floats | None:
        """The base's ``(n, d)`` float32 rows, weighted; None without a base."""
        if self.base is Base.NONE:
            return None
        rows = Side(self.base, conse=self.conse).to_base(described)
        return None if rows is None else np.asarray(self.base_weight * rows, dtype=np.float32)

    def to_side(self, trained: Map | None) -> Side:
        """The side with a trained map; None for what it is before training.

        Raises:
            ValueError: It has neither map nor base.
        """
        return Side(
            base=self.base,
            map=trained,
            base_weight=self.base_weight,
            unit_map=self.unit_map,
            conse=self.conse,
        )


def to_starts(examples: Examples, recipe: Recipe, conse: Conse | None) -> tuple[Start, Start]:
    """How the image side and the text side start.

    Texts stand on their own vectors, so that few pairs need only correct them; unless a space of
    another dimension is asked for, or their encoder has no vectors.

    Raises:
        SettingsError: The encoders do not give what the recipe's base needs.
    """
    _check_base(examples, recipe, conse)
    is_conse = recipe.base is Base.CONSE
    images = Start(
        recipe.image_map,
        recipe.base,
        recipe.base_weight if is_conse else 1.0,
        is_conse,
        conse if is_conse else None,
        *measure(examples.images),
    )
    base = Base.OWN if _keeps_texts(examples.texts, recipe) else Base.NONE
    texts = Start(recipe.text_map, base, 1.0, False, None, *measure(examples.texts))  # noqa: FBT003
    return images, texts


def _keeps_texts(texts: Described, recipe: Recipe) -> bool:
    if recipe.text_map is MapKind.NONE or recipe.base is not Base.NONE:
        return True
    return texts.own is not None and recipe.dimension in {None, texts.own.shape[1]}


def _check_base(examples: Examples, recipe: Recipe, conse: Conse | None) -> None:
    images, texts = examples.images, examples.texts
    if _keeps_texts(texts, recipe) and texts.own is None:
        raise SettingsError(
            "the text encoder has no vectors of its own to train towards: choose --text-map linear"
        )
    if recipe.base is Base.CONSE and (conse is None or images.logits is None):
        raise SettingsError(
            "a ConSE base needs the logits of a classifier and its classes' texts, and this image "
            "encoder has none: choose --base none"
        )
    if recipe.base is Base.OWN and (
        images.own is None or texts.own is None or images.own.shape[1] != texts.own.shape[1]
    ):
        raise SettingsError(
            "an own base needs one encoder of both images and texts: choose --base none"
        )


def measure(described: Described) -> tuple[Floats, Floats]:
    """Mean and scale of each feature, each ``(f,)`` float32.

    A feature that does not vary has the scale of one that varies little, and where none varies 1.
    """
    mean = described.features.mean(axis=0, dtype=np.float64)
    deviation = described.features.std(axis=0, dtype=np.float64)
    least = _LEAST_SCALE * deviation.mean() if len(deviation) else 0.0
    tiny = np.finfo(np.float32).eps * np.abs(mean)
    scale = np.where(deviation > tiny, np.maximum(deviation, least), max(least, 0.0))
    return mean.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32)


def width_of(examples: Examples, recipe: Recipe) -> int:
    """Dimension of the shared space."""
    if examples.texts.own is not None and _keeps_texts(examples.texts, recipe):
        return int(examples.texts.own.shape[1])
    return recipe.dimension or min(
        examples.texts.features.shape[1], examples.images.features.shape[1]
    )
