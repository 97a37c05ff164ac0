"""Every pixel mode to 8-bit sRGB."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHITE = 255
_SIXTEEN_TO_EIGHT = 257
"""65535 / 255: white stays white."""

_WHITES = {"I": (255.0, 65535.0), "F": (1.0, 255.0, 65535.0)}
"""Mode without a defined white -> the numbers that usually are."""

_MIN_SPAN = 1e-30
"""Values nearer together than that are one value; scaling them would overflow."""

_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
"""Mode -> the ICC colour space signature that a profile for it has (ICC.1:2022, 7.2.6)."""


def to_eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits a band; other modes than integer and float ones stay as they are.

    Pillow's own conversion cuts values off at 255, which turns most 16-bit images white.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // _SIXTEEN_TO_EIGHT).astype(np.uint8))
    if image.mode in _WHITES:
        return Image.fromarray(_to_levels(np.asarray(image, np.float32), _WHITES[image.mode]))
    return image


def _to_levels(values: NDArray[np.float32], whites: tuple[float, ...]) -> NDArray[np.uint8]:
    """Numbers without a defined white to 0..255, by the first usual white that none exceeds.

    Where there is none, or numbers are negative, they are stretched from the lowest to the
    highest. What is not finite is black.
    """
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    white = next((white for white in whites if low >= 0 and high <= white), None)
    black = 0.0 if white else low
    span = white or high - low
    scale = _WHITE / span if span > _MIN_SPAN else 0.0
    levels: NDArray[np.float32] = np.rint(finite * scale - black * scale).clip(0, _WHITE)
    return levels.astype(np.uint8)


def to_opaque(image: Image.Image) -> Image.Image:
    """The image over white, in mode L, RGB, CMYK or LAB."""
    if image.has_transparency_data:
        mode = "L" if image.mode in {"LA", "La"} else "RGB"
        layered = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        flat = Image.new(mode, image.size, "white")
        flat.paste(layered.convert(mode), mask=layered.getchannel("A"))
        return flat
    if image.mode in _PROFILE_SPACES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB of an opaque image by its ICC profile; without a fitting one by Pillow's conversion.

    A broken profile, or one for another colour space than the pixels', is passed over, as
    browsers do.
    """
    if image.mode == "LAB":
        return _transform(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if profile:
        with suppress(Exception):  # a malformed profile raises about anything
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            fits = source.profile.xcolor_space.strip() == _PROFILE_SPACES[image.mode]
            if fits and "sRGB" not in ImageCms.getProfileDescription(source):
                return _transform(image, source)
    return image.convert("RGB")


def _transform(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """To sRGB, perceptually."""
    target = ImageCms.createProfile("sRGB")
    return cast("Image.Image", ImageCms.profileToProfile(image, source, target, outputMode="RGB"))
