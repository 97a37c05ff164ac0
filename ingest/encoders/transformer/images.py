"""From RGB images to an image tower's input, by our recipe or the model's own processor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from ingest.encoders.canary import to_canary_images
from ingest.encoders.transformer import describe
from ingest.encoders.transformer.pixels import PixelRecipe, read_recipe
from ingest.encoders.transformer.torch_resize import has_fast_resize, resize_with_torch
from ingest.encoders.vectors import to_unit_rows
from ingest.encoders.workers import count_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features, Tower
    from ingest.encoders.transformer.pixels import Resize

MIN_RECIPE_COSINE = 0.999
"""Our recipe is used where its vectors reach this cosine to those of the model's processor."""

_PART_IMAGES: Final = 16
"""Of a call, prepared by one of several threads."""

_MOST_THREADS: Final = 4
"""Four prepare 1.7 times as fast as one; more wait for each other, as Python copies the pixels."""


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
        threads: Share the images of a call; for an encoder that is called from one thread.
    """

    def __init__(
        self, recipe: PixelRecipe, resize: Resize | None = None, *, threads: int = 1
    ) -> None:
        """Keep the recipe."""
        self.recipe = recipe
        self._resize = resize
        self._threads = threads
        self.side_pixels = recipe.side_pixels
        self.preprocessing = f"own: {recipe}"

    def to_features(self, images: Sequence[Image]) -> Features:
        """See :meth:`ImagePreparation.to_features`."""
        starts = range(0, len(images), _PART_IMAGES)
        if min(self._threads, len(starts)) <= 1:
            return {"pixel_values": self.recipe.to_pixel_values(images, self._resize)}
        side = self.side_pixels
        values: NDArray[np.float32] = np.empty((len(images), 3, side, side), dtype=np.float32)

        def fill(start: int) -> None:
            part = slice(start, start + _PART_IMAGES)
            self.recipe.to_pixel_values(images[part], self._resize, out=values[part])

        with ThreadPoolExecutor(min(self._threads, len(starts))) as pool:
            list(pool.map(fill, starts))
        return {"pixel_values": values}


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
    # A GPU is called from one thread, and waits for what that one prepares.
    threads = 1 if model.device.type == "cpu" else min(_MOST_THREADS, count_cores())
    resize = resize_with_torch if has_fast_resize() else None
    ours = RecipeImages(recipe, resize, threads=threads)
    images = to_canary_images()
    mine, other = tower(ours.to_features(images)), tower(theirs.to_features(images))
    dimension = other.shape[1]
    cosines = (to_unit_rows(mine, dimension) * to_unit_rows(other, dimension)).sum(axis=1)
    return ours if cosines.min() >= MIN_RECIPE_COSINE else theirs


def find_processor(model: SentenceTransformer) -> Any:  # noqa: ANN401 - transformers' own class
    """The image processor of the first module, None where another module takes the images."""
    processor = getattr(model[0], "processor", None)
    return getattr(processor, "image_processor", None)
