"""Our own image preparation: what a model's processor does, in a twentieth of its time.

A processor resizes the whole image, crops, rescales and normalises in separate passes over
float arrays. Here only the part that survives the crop is resized, and one fused multiply-add
does the rest. It is used where it gives the vectors that the processor gives; see
:meth:`~ingest.encoders.transformer.encoder.TransformerEncoder.space`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    Resize = Callable[[Image, "PixelRecipe"], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class PixelRecipe:
    """How pixels become a tower's input.

    Attributes:
        side_pixels: Side of the square that the tower sees.
        shortest_edge_pixels: The shorter side is scaled to this and the centre cropped; None when
            the whole image is squashed into the square.
        resample: Pillow's filter number.
        factor: Multiplies the 0..255 values.
        mean: Subtracted after it, by channel.
        deviation: Divided by last, by channel.
    """

    side_pixels: int
    shortest_edge_pixels: int | None
    resample: int
    factor: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __str__(self) -> str:
        """In words, for the embedding space."""
        edge = self.shortest_edge_pixels
        fit = "squash" if edge is None else f"shortest edge {edge}, centre crop"
        mean = ",".join(f"{value:.6g}" for value in self.mean)
        deviation = ",".join(f"{value:.6g}" for value in self.deviation)
        return (
            f"{fit} {self.side_pixels}, filter {self.resample}, factor {self.factor:.6g}, "
            f"mean {mean}, deviation {deviation}"
        )

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> PixelRecipe:
        """The recipe whose fields these are, as JSON keeps them."""
        per_channel = {name: tuple(fields[name]) for name in ("mean", "deviation")}
        return cls(**{**fields, **per_channel})

    def to_pixel_values(
        self,
        images: Sequence[Image],
        resize: Resize | None = None,
        *,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """RGB images -> ``(n, 3, side, side)`` float32.

        Args:
            images: RGB.
            resize: Does the work of :meth:`to_square`; None is that method.
            out: Where to; None for a new array.
        """
        resize = resize or _resize_with_pillow
        stacked = np.stack([resize(image, self) for image in images])
        deviation = np.array(self.deviation, dtype=np.float32)[:, None, None]
        scale = np.float32(self.factor) / deviation
        shift = np.array(self.mean, dtype=np.float32)[:, None, None] / deviation
        count, side = len(images), self.side_pixels
        values = np.empty((count, 3, side, side), dtype=np.float32) if out is None else out
        np.multiply(stacked.transpose(0, 3, 1, 2), scale, out=values)
        values -= shift
        return values

    def to_square(self, image: Image) -> NDArray[np.uint8]:
        """The square that the tower sees, ``(side, side, 3)``; only what the crop keeps is resized.

        Args:
            image: RGB.
        """
        side = self.side_pixels
        width, height = self.fit(image.size)
        left, top = (width - side) // 2, (height - side) // 2
        across, down = image.width / width, image.height / height
        box = (left * across, top * down, (left + side) * across, (top + side) * down)
        return np.asarray(image.resize((side, side), self.resample, box=box))

    def fit(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height that an image of a size is scaled to before the centre is cropped."""
        edge = self.shortest_edge_pixels
        if edge is None:
            return (self.side_pixels, self.side_pixels)
        width, height = size
        return (edge * width // min(size), edge * height // min(size))


def _resize_with_pillow(image: Image, recipe: PixelRecipe) -> NDArray[np.uint8]:
    return recipe.to_square(image)


class ImageProcessor(Protocol):
    """What is read of a transformers image processor; some have more, some lack these."""

    size: object
    resample: int
    rescale_factor: float
    image_mean: Sequence[float]
    image_std: Sequence[float]


def read_recipe(processor: ImageProcessor) -> PixelRecipe | None:
    """The recipe of a model's image processor, or None where it is not one of ours.

    Args:
        processor: The model's own.
    """
    side = _read_side(processor)
    wanted = ("do_resize", "do_rescale", "do_normalize")
    if side is None or not all(getattr(processor, name, False) for name in wanted):
        return None
    if getattr(processor, "do_pad", False):
        return None
    crops = bool(getattr(processor, "do_center_crop", False))
    return PixelRecipe(
        side_pixels=side,
        shortest_edge_pixels=_read(processor.size, "shortest_edge") if crops else None,
        resample=int(processor.resample),
        factor=float(processor.rescale_factor),
        mean=tuple(map(float, processor.image_mean)),
        deviation=tuple(map(float, processor.image_std)),
    )


def _read_side(processor: ImageProcessor) -> int | None:
    """Side of the square a processor makes by cropping or squashing, None if it does neither."""
    size = getattr(processor, "size", None)
    if not getattr(processor, "do_center_crop", False):
        return _square(size)
    side, edge = _square(getattr(processor, "crop_size", None)), _read(size, "shortest_edge")
    return side if side and edge and edge >= side else None


def _square(size: object) -> int | None:
    height = _read(size, "height")
    return height if height == _read(size, "width") else None


def _read(size: object, name: str) -> int | None:
    """An entry of a processor's size, which is a dict or an object by its version."""
    value = size.get(name) if isinstance(size, Mapping) else getattr(size, name, None)
    return int(value) if value else None
