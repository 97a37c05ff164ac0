"""What a photograph's EXIF says about how, when and where it was taken; never a reason to fail."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from PIL import ExifTags
from PIL.Image import Transpose

from ingest.decode.gps import read_exif_place
from ingest.decode.photo_metadata import (
    PhotoMetadata,
    to_caption,
    to_keywords,
    to_photo_title,
)

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


def read_exif(image: Image) -> PhotoMetadata:
    """ImageDescription, and when and where the photograph was taken.

    When is DateTimeOriginal, else DateTimeDigitized, with the offset from UTC where the camera says
    it. The plain DateTime is when the file was last edited.
    """
    caption = taken_at = place = None
    with suppress(Exception):  # malformed EXIF raises about anything
        caption = to_caption(_to_text(image.getexif().get(ExifTags.Base.ImageDescription)))
    with suppress(Exception):
        taken_at = _to_moment(image.getexif())
    with suppress(Exception):
        place = read_exif_place(image.getexif())
    return PhotoMetadata(caption=caption, taken_at=taken_at, place=place)


def read_windows_tags(image: Image) -> PhotoMetadata:
    """The tags that the Windows Explorer writes beside ImageDescription."""
    with suppress(Exception):  # malformed EXIF raises about anything
        exif = image.getexif()
        title, comment, keywords, subject = (
            _to_wide_text(exif.get(tag))
            for tag in (
                ExifTags.Base.XPTitle,
                ExifTags.Base.XPComment,
                ExifTags.Base.XPKeywords,
                ExifTags.Base.XPSubject,
            )
        )
        return PhotoMetadata(
            title=to_photo_title(title),
            caption=to_caption(comment) or to_caption(subject),
            keywords=to_keywords(keywords.split(";")),
        )
    return PhotoMetadata()


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


def _to_text(value: object) -> str | None:
    """ASCII by the standard; UTF-8, or else Windows-1252, in what programs write."""
    content = value.encode("latin-1", "replace") if isinstance(value, str) else value
    if not isinstance(content, bytes):
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _to_wide_text(value: object) -> str:
    """UTF-16, ended by a NUL."""
    content = bytes(value) if isinstance(value, bytes | tuple) else b""
    return content.decode("utf-16-le", "replace").partition("\0")[0]
