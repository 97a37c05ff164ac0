"""Bytes to an upright RGB image, by the decode policy.

EXIF orientation is applied; transparency lies over white; every mode becomes 8-bit sRGB; of an
animation the first frame counts, or as many as the policy says; of a RAW file its preview; an image
larger than an encoder needs is shrunk on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from ingest.decode.colours import to_eight_bits, to_opaque, to_srgb
from ingest.decode.exif import is_sideways, read_orientation, to_upright
from ingest.decode.frames import iter_frames, seek_frame
from ingest.decode.image_formats import RAW, to_image_format
from ingest.decode.metadata import read_metadata
from ingest.decode.photo_metadata import PhotoMetadata, merge
from ingest.decode.policy import DecodePolicy
from ingest.decode.raw import open_preview
from ingest.decode.seam import silenced_pillow, translated_errors
from schemas.errors import DecodeError, SourceTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.decode.limits import Limits
    from schemas.records import Place

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
        width_pixels: Of the file's image as displayed, before anything was shrunk or cut; of a RAW
            file the photograph's, not the preview's.
        height_pixels: Likewise.
        taken_at: When the photograph was taken, ISO 8601, if it says: a moment, or a day alone.
        title: As its metadata say it, on one line, if they do.
        caption: Likewise, perhaps on several lines.
        keywords: Likewise, each once.
        ocr_text: The text in the image, line by line, if the policy has it read and there is some.
        frame: Which of its file's frames or pages it is, from 1; None when it is the only one, or
            the only one that was asked for.
        place: Where the photograph was taken, if its metadata say it.
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
    place: Place | None = None


def decode_image(
    content: bytes, source_uri: str, *, limits: Limits, side_pixels: int
) -> DecodedImage:
    """Decode an image file by the default policy. Safe to call from several threads.

    Args:
        content: The whole file. Its format is told by its bytes, never by its name.
        source_uri: What errors call it.
        limits: What is too large.
        side_pixels: Side of the square the encoder sees. The shorter side of the result is at
            least twice that, or what the file has.

    Raises:
        UnsupportedFormat: It is no image of the allow-list, or needs an extra.
        SourceTooLarge: It has more pixels than allowed; found out before decoding any.
        DecodeError: It is empty, damaged or truncated, or a RAW file without a preview.
    """
    (decoded,) = decode_frames(
        content, source_uri, limits=limits, side_pixels=side_pixels, policy=DecodePolicy()
    )
    return decoded


def decode_frames(
    content: bytes, source_uri: str, *, limits: Limits, side_pixels: int, policy: DecodePolicy
) -> tuple[DecodedImage, ...]:
    """Decode an image file to as many images as the policy says; see :func:`decode_image`.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large, for each frame.
        side_pixels: Side of the square the encoder sees.
        policy: With ``frames`` above 1, images of that many frames of an animation, or pages of a
            TIFF, in order: those with which as many equal parts of it begin, the first frame among
            them, or all where there are fewer. With ``ocr``, the text in each is read.

    Returns:
        At least one image.

    Raises:
        SourceError: As in :func:`decode_image`, for any of the frames.
        SettingsError: The policy asks for OCR, and the extra ``ocr`` is not installed.
    """
    if not content:
        raise DecodeError(source_uri, f"the file is empty; {_RESTORE}")
    with silenced_pillow(), translated_errors(source_uri, _BROKEN, _RESTORE):
        frames = tuple(
            replace(_to_described(opened, source_uri, limits, side_pixels), frame=number)
            for number, opened in _iter_opened(content, source_uri, limits, policy)
        )
    if not policy.ocr:
        return frames
    texts = _read_texts(content, source_uri, limits, policy)
    return tuple(replace(one, ocr_text=text) for one, text in zip(frames, texts, strict=True))


def open_frame(
    content: bytes, source_uri: str, *, limits: Limits, side_pixels: int, frame: int | None
) -> DecodedImage:
    """Decode one frame of an image file; see :func:`decode_image`.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large.
        side_pixels: As there.
        frame: Its number, as :func:`decode_frames` gives it; None for the first.

    Raises:
        SourceError: As there; a frame that is not there is a DecodeError.
    """
    if not content:
        raise DecodeError(source_uri, f"the file is empty; {_RESTORE}")
    with silenced_pillow(), translated_errors(source_uri, _BROKEN, _RESTORE):
        _, opened = next(_iter_opened(content, source_uri, limits, DecodePolicy()))
        if frame is not None:
            seek_frame(opened.image, frame, limits)
        return replace(_to_described(opened, source_uri, limits, side_pixels), frame=frame)


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
        known = read_metadata(image)
        rgb = _to_rgb(_to_capped(image, limits.max_aspect_ratio), side_pixels)
        upright = to_upright(rgb, orientation)
    if is_sideways(orientation):
        width_pixels, height_pixels = height_pixels, width_pixels
    return DecodedImage(
        image=upright,
        width_pixels=width_pixels,
        height_pixels=height_pixels,
        taken_at=known.taken_at,
        title=known.title,
        caption=known.caption,
        keywords=known.keywords,
        place=known.place,
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """An image that is opened; of a RAW file its preview, and what the file says besides."""

    image: Image.Image
    header: PhotoMetadata | None = None
    size: tuple[int, int] | None = None


def _to_described(
    opened: _Opened, source_uri: str, limits: Limits, side_pixels: int
) -> DecodedImage:
    """What the file says comes before what its preview says."""
    decoded = to_decoded(opened.image, source_uri, limits=limits, side_pixels=side_pixels)
    if opened.header is None or opened.size is None:
        return decoded
    own = PhotoMetadata(
        decoded.title, decoded.caption, decoded.keywords, decoded.taken_at, place=decoded.place
    )
    known = merge((opened.header, own))
    return replace(
        decoded,
        width_pixels=opened.size[0],
        height_pixels=opened.size[1],
        taken_at=known.taken_at,
        title=known.title,
        caption=known.caption,
        keywords=known.keywords,
        place=known.place,
    )


def _iter_opened(
    content: bytes, source_uri: str, limits: Limits, policy: DecodePolicy
) -> Iterator[tuple[int | None, _Opened]]:
    """Each frame's number and the file, opened and moved there."""
    file_format = to_image_format(content, source_uri)
    if file_format == RAW:
        preview = open_preview(content, source_uri)
        yield None, _Opened(preview.image, preview.header, preview.size)
        return
    image = _open(content, source_uri, file_format)
    _check_size(*image.size, source_uri, limits)
    for number, frame in iter_frames(image, policy.frames, limits):
        yield number, _Opened(frame)


def _read_texts(
    content: bytes, source_uri: str, limits: Limits, policy: DecodePolicy
) -> list[str | None]:
    """The text in each frame, from the file opened anew: what an encoder takes is too small."""
    from ingest.decode.ocr import load_reader

    reader = load_reader()
    with (
        silenced_pillow(),
        translated_errors(source_uri, "the text in it cannot be read", "leave OCR off for it"),
    ):
        return [
            reader.read(_to_legible(opened.image))
            for _, opened in _iter_opened(content, source_uri, limits, policy)
        ]


def _to_legible(image: Image.Image) -> Image.Image:
    """Upright RGB at the size at which text is looked for."""
    from ingest.decode.ocr import to_legible_size

    size = to_legible_size(*image.size)
    image.draft(None, size)  # only JPEG heeds it, and stays at least that large
    image.load()
    orientation = read_orientation(image)
    opaque = to_opaque(to_eight_bits(image)).convert("RGB")
    return to_upright(opaque.resize(size, reducing_gap=2), orientation)


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
