"""From RGB images to an image tower's input, by our recipe or the model's own processor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ingest.encoders.canary import to_canary_images
from ingest.encoders.transformer import describe
from ingest.encoders.transformer.pixels import PixelRecipe, read_recipe
from ingest.encoders.transformer.torch_resize import has_fast_resize, resize_with_torch
from ingest.encoders.vectors import to_unit_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features, Tower
    from ingest.encoders.transformer.pixels import Resize

MIN_RECIPE_COSINE = 0.999
"""Our recipe is used where its vectors reach this cosine to those of the model's processor."""


class ImagePreparation(Protocol):
    """Makes an image tower's input.

    Attributes:
        side_pixels: Side of the square the tower sees.
        preprocessing: ``own: ...`` where our recipe is in use, else ``model: ...``.
    """

    side_pixels: int
    preprocessing: str

    def to_features(self, images: Sequence[Image]) -> Features:
        """The tower's input for RGB images."""
        ...


class RecipeImages:
    """Images by our recipe; nothing of the model is needed.

    Args:
        recipe: How pixels become input.
        resize: Resizes in Pillow's stead, if given.
    """

    def __init__(self, recipe: PixelRecipe, resize: Resize | None = None) -> None:
        """Keep the recipe."""
        self.recipe = recipe
        self._resize = resize
        self.side_pixels = recipe.side_pixels
        self.preprocessing = f"own: {recipe}"

    def to_features(self, images: Sequence[Image]) -> Features:
        """See :meth:`ImagePreparation.to_features`."""
        return {"pixel_values": self.recipe.to_pixel_values(images, self._resize)}


class ModelImages:
    """Images by the model's own processor.

    Args:
        model: Has an image tower.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        """Read the side of the tower's square."""
        self._model = model
        processor = find_processor(model)
        recipe = read_recipe(processor) if processor is not None else None
        self.side_pixels = recipe.side_pixels if recipe else describe.read_image_side(model)
        name = type(processor).__name__ if processor is not None else "its own code"
        self.preprocessing = f"model: {name}"

    def to_features(self, images: Sequence[Image]) -> Features:
        """See :meth:`ImagePreparation.to_features`."""
        features: Features = self._model.preprocess([{"image": image} for image in images])
        return features


def prepare_images(model: SentenceTransformer, tower: Tower) -> ImagePreparation:
    """Our recipe where its vectors of the canary images are those of the model's processor.

    Args:
        model: Has an image tower.
        tower: Runs it.
    """
    theirs = ModelImages(model)
    processor = find_processor(model)
    recipe = read_recipe(processor) if processor is not None else None
    if recipe is None:
        return theirs
    ours = RecipeImages(recipe, resize_with_torch if has_fast_resize() else None)
    images = to_canary_images()
    mine, other = tower(ours.to_features(images)), tower(theirs.to_features(images))
    dimension = other.shape[1]
    cosines = (to_unit_rows(mine, dimension) * to_unit_rows(other, dimension)).sum(axis=1)
    return ours if cosines.min() >= MIN_RECIPE_COSINE else theirs


def find_processor(model: SentenceTransformer) -> Any:  # noqa: ANN401 - transformers' own class
    """The image processor of the first module, None where another module takes the images."""
    processor = getattr(model[0], "processor", None)
    return getattr(processor, "image_processor", None)
