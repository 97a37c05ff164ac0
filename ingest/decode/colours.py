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

_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
"""Mode -> the ICC colour space signature that a profile for it has (ICC.1:2022, 7.2.6)."""


def to_eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits a band; other modes than integer and float ones stay as they are.

    Pillow's own conversion cuts values off at 255, which turns most 16-bit images white.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // _SIXTEEN_TO_EIGHT).astype(np.uint8))
    if image.mode in {"I", "F"}:
        return Image.fromarray(_to_levels(np.asarray(image, np.float64)))
    return image


def _to_levels(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Numbers without a defined white to 0..255, by the smallest usual range that holds them all.

    0..1, 0..255 and 0..65535 keep their meaning; anything else is stretched from its lowest to
    its highest value. What is not finite is black.
    """
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    integral = bool((finite == np.floor(finite)).all())
    whites = (255.0, 65535.0) if integral else (1.0, 255.0, 65535.0)
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is None:
        low_scaled, white = low, max(high - low, np.finfo(np.float64).tiny)
        finite = finite - low_scaled
    return np.rint(finite * (_WHITE / white)).clip(0, _WHITE).astype(np.uint8)


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
