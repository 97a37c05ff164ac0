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
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image


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

    def to_pixel_values(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """RGB images -> ``(n, 3, side, side)`` float32."""
        stacked = np.stack([np.asarray(self._to_square(image)) for image in images])
        deviation = np.array(self.deviation, dtype=np.float32)[:, None, None]
        scale = np.float32(self.factor) / deviation
        shift = np.array(self.mean, dtype=np.float32)[:, None, None] / deviation
        count, side = len(images), self.side_pixels
        values = np.empty((count, 3, side, side), dtype=np.float32)
        np.multiply(stacked.transpose(0, 3, 1, 2), scale, out=values)
        values -= shift
        return values

    def _to_square(self, image: Image) -> Image:
        side = self.side_pixels
        box = _crop_box(image.size, self.shortest_edge_pixels, side)
        return image.resize((side, side), self.resample, box=box)


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


def _crop_box(
    size: tuple[int, int], shortest_edge: int | None, side: int
) -> tuple[float, float, float, float]:
    """The part of the image that a resize to the shortest edge and a centre crop would keep."""
    width, height = size
    if shortest_edge is None:
        return (0, 0, width, height)
    short = min(width, height)
    scaled_width = shortest_edge * width // short
    scaled_height = shortest_edge * height // short
    left, top = (scaled_width - side) // 2, (scaled_height - side) // 2
    across, down = width / scaled_width, height / scaled_height
    return (left * across, top * down, (left + side) * across, (top + side) * down)
