"""From RGB images to an image tower's input, by our recipe or the model's own processor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.encoders.canary import to_canary_images
from ingest.encoders.transformer import describe
from ingest.encoders.transformer.pixels import PixelRecipe, read_recipe
from ingest.encoders.vectors import to_unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from sentence_transformers import SentenceTransformer

    Forward = Callable[[dict[str, Any]], NDArray[np.float32]]

MIN_RECIPE_COSINE = 0.999
"""Our recipe is used where its vectors reach this cosine to those of the model's processor."""


class ImagePreparation:
    """Prepares images for one model.

    Whether our recipe or the model's processor prepares them is decided here, by comparing their
    vectors of the two canary images, and does not change afterwards.

    Args:
        model: Has an image tower.
        forward: Runs the tower on prepared input.

    Attributes:
        side_pixels: Side of the square the tower sees.
        preprocessing: ``own: ...`` where our recipe is in use, else ``model: ...``.
    """

    def __init__(self, model: SentenceTransformer, forward: Forward) -> None:
        """Compare the two ways and settle on one."""
        self._model = model
        processor = _find_processor(model)
        recipe = read_recipe(processor) if processor is not None else None
        agrees = recipe is not None and self._agrees(recipe, forward)
        self._recipe = recipe if agrees else None
        self.side_pixels = recipe.side_pixels if recipe else describe.read_image_side(model)
        name = type(processor).__name__ if processor is not None else "its own code"
        self.preprocessing = f"own: {recipe}" if agrees else f"model: {name}"

    def to_features(self, images: Sequence[Image]) -> dict[str, Any]:
        """The tower's input."""
        if self._recipe is None:
            return self._to_processed(images)
        return _to_recipe_features(self._recipe, images)

    def _to_processed(self, images: Sequence[Image]) -> dict[str, Any]:
        """By the model's processor."""
        features: dict[str, Any] = self._model.preprocess([{"image": image} for image in images])
        return features

    def _agrees(self, recipe: PixelRecipe, forward: Forward) -> bool:
        """Whether the recipe gives the vectors that the model's processor gives."""
        images = to_canary_images()
        ours = forward(_to_recipe_features(recipe, images))
        theirs = forward(self._to_processed(images))
        dimension = theirs.shape[1]
        cosines = (to_unit_rows(ours, dimension) * to_unit_rows(theirs, dimension)).sum(axis=1)
        return bool(cosines.min() >= MIN_RECIPE_COSINE)


def _to_recipe_features(recipe: PixelRecipe, images: Sequence[Image]) -> dict[str, Any]:
    return {"pixel_values": recipe.to_pixel_values(images), "modality": "image"}


def _find_processor(model: SentenceTransformer) -> Any:  # noqa: ANN401 - transformers' own class
    """The image processor of the first module, None where another module takes the images."""
    processor = getattr(model[0], "processor", None)
    return getattr(processor, "image_processor", None)
