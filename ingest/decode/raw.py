"""The embedded preview of a camera's RAW file, through LibRaw."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from schemas.errors import DecodeError, UnsupportedFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image
    from rawpy import RawPy

    from ingest.decode.photo_metadata import PhotoMetadata

_SIGNATURES = (
    (8, b"CR\x02\x00"),  # Canon CR2
    (4, b"ftypcrx "),  # Canon CR3
    (6, b"HEAPCCDR"),  # Canon CRW
    (0, b"FUJIFILMCCD-RAW"),  # RAF
    (0, b"IIRO"),  # Olympus ORF
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\x00"),  # Panasonic RW2, Leica RWL
    (8, b"IIII"),  # Phase One IIQ
    (0, b"\x00MRM"),  # Minolta MRW
    (0, b"FOVb"),  # Sigma X3F
)
"""Offset and bytes that no other format has there."""

_TIFF_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUBDIRECTORIES = 254, 259, 262, 271, 330
_DNG_VERSION = 50706
_MAX_TAGS = 1_000

_RAW_PHOTOMETRICS = frozenset({32803, 34892})
"""Colour filter array and LinearRaw (DNG 1.7, PhotometricInterpretation)."""

_RAW_COMPRESSIONS = frozenset({32767, 32769, 32770, 34713, 65000, 65535})
"""Of Sony ARW, Epson ERF, Samsung SRW, Nikon NEF, Kodak DCR and KDC, and Pentax PEF."""

_ORIENTATION, _XMP = 0x0112, 700
_ORIENTATIONS = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}
"""LibRaw's flip (bits: mirror, mirror vertically, swap axes) -> EXIF orientation."""

_SWAPS_AXES = 4


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview that is opened, not yet decoded.

    Attributes:
        image: As stored, with the orientation in its EXIF.
        header: What the RAW file itself says of the photograph.
        size: Width and height of the photograph as displayed, in pixels; the preview may be
            smaller.
    """

    image: Image
    header: PhotoMetadata
    size: tuple[int, int]


def is_raw(content: bytes) -> bool:
    """Whether the first bytes are those of a RAW file.

    Many of them are TIFFs. Such a one is RAW if its first directory has a DNG version, holds sensor
    values, or is a camera's reduced copy of an image that stands elsewhere in the file: Pillow
    would take that thumbnail for the image.
    """
    if any(content.startswith(mark, offset) for offset, mark in _SIGNATURES):
        return True
    tags = dict(_iter_first_directory(content))
    return bool(
        _DNG_VERSION in tags
        or tags.get(_PHOTOMETRIC) in _RAW_PHOTOMETRICS
        or tags.get(_COMPRESSION) in _RAW_COMPRESSIONS
        or (tags.get(_SUBFILE, 0) & 1 and {_MAKE, _SUBDIRECTORIES} <= tags.keys())
    )


def open_preview(content: bytes, source_uri: str) -> Preview:
    """Open the largest preview of a RAW file; the sensor's values are not developed.

    Raises:
        UnsupportedFormat: The extra ``raw`` is not installed, or LibRaw does not know the camera.
        DecodeError: There is no preview in the file, or it is damaged.
    """
    from PIL import UnidentifiedImageError

    try:
        import rawpy
    except ImportError as error:
        raise UnsupportedFormat(
            source_uri, "a RAW image needs the extra `raw`: pip install 'diptych[raw]'"
        ) from error
    try:
        with rawpy.RawPy() as raw:
            raw.open_buffer(BytesIO(content))
            return _to_preview(raw, content)
    except (
        rawpy.LibRawNoThumbnailError,
        rawpy.LibRawUnsupportedThumbnailError,
        UnidentifiedImageError,
    ) as error:
        raise DecodeError(
            source_uri,
            "the RAW file has no preview that can be read; "
            "develop it to JPEG or TIFF, or have your raw converter embed a JPEG preview",
        ) from error
    except rawpy.LibRawFileUnsupportedError as error:
        raise UnsupportedFormat(
            source_uri, "LibRaw does not know this RAW format or it is damaged; convert it to DNG"
        ) from error


def _iter_first_directory(content: bytes) -> Iterator[tuple[int, int]]:
    """Tag and first 32 bits of the value of each field of a classic TIFF's first directory."""
    order = _TIFF_ORDERS.get(content[:4])
    if order is None or len(content) < 10:  # noqa: PLR2004 - a header and a count
        return
    (start,) = struct.unpack_from(f"{order}L", content, 4)
    count = content[start : start + 2]
    if len(count) < 2:  # noqa: PLR2004 - the directory lies outside the file
        return
    (fields,) = struct.unpack(f"{order}H", count)
    for number in range(min(fields, _MAX_TAGS)):
        entry = content[start + 2 + 12 * number : start + 14 + 12 * number]
        if len(entry) < 12:  # noqa: PLR2004 - cut off
            return
        tag, kind = struct.unpack_from(f"{order}HH", entry)
        is_short = kind == 3  # noqa: PLR2004 - TIFF 6.0, page 15
        yield tag, struct.unpack_from(f"{order}H" if is_short else f"{order}L", entry, 8)[0]


def _to_preview(raw: RawPy, content: bytes) -> Preview:
    from PIL import Image

    data = raw.extract_thumb().data
    if isinstance(data, bytes):
        # LibRaw gives a JPEG without EXIF the RAW file's own.
        image: Image.Image = Image.open(BytesIO(data), formats=("JPEG",))
    else:
        image = Image.fromarray(data)
    exif = image.getexif()
    if _ORIENTATION not in exif:
        exif[_ORIENTATION] = _ORIENTATIONS.get(raw.sizes.flip, 1)
    size = raw.sizes.width, raw.sizes.height
    return Preview(
        image, _read_header(content), size[::-1] if raw.sizes.flip & _SWAPS_AXES else size
    )


def _read_header(content: bytes) -> PhotoMetadata:
    """A RAW file that is a TIFF says what a photograph in TIFF does, at the same places."""
    from PIL import Image

    from ingest.decode.metadata import read_metadata

    holder = Image.Image()
    holder.format = "TIFF"
    holder.info = {"exif": content}
    with suppress(Exception):  # malformed, or no TIFF
        holder.info["xmp"] = holder.getexif().get(_XMP)
    return read_metadata(holder)
