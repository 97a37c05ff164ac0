"""What a photograph's EXIF says about how and when it was taken; never a reason to fail."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from PIL import ExifTags
from PIL.Image import Transpose

if TYPE_CHECKING:
    from PIL.Image import Exif, Image

_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""EXIF 2.32, tag 0x0112 Orientation -> how to turn the stored pixels upright."""

_SIDEWAYS = frozenset({5, 6, 7, 8})
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")


def read_orientation(image: Image) -> int:
    """1 to 8; 1, which is upright, when nothing readable is said.

    Read it after the pixels are loaded: a PNG may say it behind them, a TIFF is turned by loading.
    """
    with suppress(Exception):  # malformed EXIF raises about anything
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation in _TURNS:
            return int(orientation)
    return 1


def is_sideways(orientation: int) -> bool:
    """Whether turning upright swaps width and height."""
    return orientation in _SIDEWAYS


def to_upright(image: Image, orientation: int) -> Image:
    """The image turned as the orientation asks."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def read_taken_at(image: Image) -> str | None:
    """When the photograph was taken, ISO 8601, with its offset from UTC where the camera says it.

    DateTimeOriginal, else DateTimeDigitized. The plain DateTime is when the file was last edited.
    """
    with suppress(Exception):  # malformed EXIF raises about anything
        return _to_moment(image.getexif())
    return None


def _to_moment(exif: Exif) -> str | None:
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    for moment_tag, offset_tag in (
        (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
        (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    ):
        with suppress(ValueError):
            text = str(tags.get(moment_tag, "")).strip("\0 ")
            moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - local time
            offset = str(tags.get(offset_tag, "")).strip("\0 ")
            return moment.isoformat() + (offset if _OFFSET.fullmatch(offset) else "")
    return None
