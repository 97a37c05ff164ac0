"""Bytes to an upright RGB image, by the decode policy.

EXIF orientation is applied; transparency lies over white; every mode becomes 8-bit sRGB; of an
animation the first frame counts; an image larger than an encoder needs is shrunk on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from ingest.decode.colours import to_eight_bits, to_opaque, to_srgb
from ingest.decode.exif import is_sideways, read_orientation, read_taken_at, to_upright
from ingest.decode.image_formats import to_image_format
from ingest.decode.seam import silenced_pillow, translated_errors
from schemas.errors import DecodeError, SourceTooLarge

if TYPE_CHECKING:
    from ingest.decode.limits import Limits
    from ingest.decode.policy import DecodePolicy

_OVERSAMPLING = 2
"""Shrinking stops at this many times the encoder's side: DCT scaling and box means then leave the
encoder's own resampling enough to work on (cosine of the vectors at least .999)."""

_BROKEN = "the image is damaged or truncated"
_RESTORE = "restore it from a good copy or remove it"


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An image as an encoder takes it.

    Attributes:
        image: Mode RGB, upright, without metadata; perhaps smaller than the file's.
        width_pixels: Of the file's image as displayed, before anything was shrunk or cut.
        height_pixels: Likewise.
        taken_at: When the photograph was taken, ISO 8601, if it says.
    """

    image: Image.Image
    width_pixels: int
    height_pixels: int
    taken_at: str | None = None
    title: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()
    ocr_text: str | None = None
    frame: int | None = None


def decode_frames(
    content: bytes, source_uri: str, *, limits: Limits, side_pixels: int, policy: DecodePolicy
) -> tuple[DecodedImage, ...]:
    """The frames."""
    return (decode_image(content, source_uri, limits=limits, side_pixels=side_pixels),)


def decode_image(
    content: bytes, source_uri: str, *, limits: Limits, side_pixels: int
) -> DecodedImage:
    """Decode an image file. Safe to call from several threads.

    Args:
        content: The whole file. Its format is told by its bytes, never by its name.
        source_uri: What errors call it.
        limits: What is too large.
        side_pixels: Side of the square the encoder sees. The shorter side of the result is at
            least twice that, or what the file has.

    Raises:
        UnsupportedFormat: It is no image of the allow-list.
        SourceTooLarge: It has more pixels than allowed; found out before decoding any.
        DecodeError: It is empty, damaged or truncated.
    """
    if not content:
        raise DecodeError(source_uri, f"the file is empty; {_RESTORE}")
    file_format = to_image_format(content, source_uri)
    with silenced_pillow(), translated_errors(source_uri, _BROKEN, _RESTORE):
        image = _open(content, source_uri, file_format)
        return to_decoded(image, source_uri, limits=limits, side_pixels=side_pixels)


def to_decoded(
    image: Image.Image, source_uri: str, *, limits: Limits, side_pixels: int
) -> DecodedImage:
    """The same policy for an image that Pillow has opened; see :func:`decode_image`."""
    with silenced_pillow(), translated_errors(source_uri, _BROKEN, _RESTORE):
        width_pixels, height_pixels = image.size
        _check_size(width_pixels, height_pixels, source_uri, limits)
        image.draft(None, (side_pixels * _OVERSAMPLING,) * 2)  # only JPEG heeds it
        image.load()
        orientation = read_orientation(image)
        taken_at = read_taken_at(image)
        rgb = _to_rgb(_to_capped(image, limits.max_aspect_ratio), side_pixels)
        upright = to_upright(rgb, orientation)
    if is_sideways(orientation):
        width_pixels, height_pixels = height_pixels, width_pixels
    return DecodedImage(upright, width_pixels, height_pixels, taken_at)


def _open(content: bytes, source_uri: str, file_format: str) -> Image.Image:
    """Read the header."""
    try:
        return Image.open(BytesIO(content), formats=(file_format,))
    except Image.DecompressionBombError as error:
        raise SourceTooLarge(source_uri, f"{str(error).rstrip('.')}; scale it down") from error
    except UnidentifiedImageError as error:  # its message is the address of a buffer
        raise DecodeError(
            source_uri, f"the {file_format} header is damaged or truncated; {_RESTORE}"
        ) from error


def _check_size(width_pixels: int, height_pixels: int, source_uri: str, limits: Limits) -> None:
    if min(width_pixels, height_pixels) < 1:
        raise DecodeError(source_uri, f"{width_pixels}x{height_pixels} pixels; {_RESTORE}")
    if width_pixels * height_pixels > limits.max_image_pixels:
        raise SourceTooLarge(
            source_uri,
            f"{width_pixels}x{height_pixels} pixels, over the limit of "
            f"{limits.max_image_pixels:,}; scale it down or raise max_image_pixels",
        )


def _to_capped(image: Image.Image, max_aspect_ratio: float) -> Image.Image:
    """The centre of an image that is too long, else the image."""
    width, height = image.size
    longest = int(min(width, height) * max_aspect_ratio)
    if max(width, height) <= longest:
        return image
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    return image.crop((left, top, left + min(width, longest), top + min(height, longest)))


def _to_rgb(image: Image.Image, side_pixels: int) -> Image.Image:
    """8-bit sRGB, shrunk, without metadata that someone could apply again."""
    profile = image.info.get("icc_profile")
    flat = to_opaque(to_eight_bits(image))
    factor = min(flat.size) // (side_pixels * _OVERSAMPLING)
    small = flat.reduce(factor) if factor > 1 else flat
    rgb = to_srgb(small, profile)
    result = rgb.copy() if rgb is image else rgb
    result.info = {}
    return result
