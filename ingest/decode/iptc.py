"""What an IPTC IIM block says about a photograph; never a reason to fail."""

from __future__ import annotations

import re
from contextlib import suppress
from hashlib import md5
from typing import TYPE_CHECKING

from ingest.decode.photo_metadata import (
    PhotoMetadata,
    to_caption,
    to_keywords,
    to_moment,
    to_photo_title,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

_IPTC_RESOURCE = 0x0404
_DIGEST_RESOURCE = 0x0425
"""Adobe Photoshop File Formats Specification, image resource IDs."""

_TIFF_TAG = 33723
"""IPTC/NAA in TIFF."""

_MARKER = 0x1C
_HEADER_BYTES = 5
_EXTENDED = 0x8000
_MAX_DATASETS = 10_000

_CHARSET = (1, 90)
_TITLE, _KEYWORD, _DATE, _TIME, _CAPTION = (2, 5), (2, 25), (2, 55), (2, 60), (2, 120)

_UTF8 = b"\x1b%G"
_PART_OF_ISO_8859 = {
    b"A": "cp1252",
    b"B": "iso8859_2",
    b"C": "iso8859_3",
    b"D": "iso8859_4",
    b"F": "iso8859_7",
    b"G": "iso8859_6",
    b"H": "iso8859_8",
    b"L": "iso8859_5",
    b"M": "cp1254",
}
"""Final byte of an ISO 2022 escape sequence -> the set that it calls (the ISO-IR registry)."""

_CALLED_SET = re.compile(rb"\x1b[-./]([A-M])")
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
_CLOCK = re.compile(r"(\d\d):?(\d\d):?(\d\d)(?:([+-]\d\d):?(\d\d))?")


def read_iptc(image: Image) -> tuple[PhotoMetadata, bool]:
    """What the block says, and whether it was changed after the XMP packet was written.

    Programs that keep both in step leave a digest of the block; where the block has another one,
    a program that knows no XMP has edited it since.
    """
    with suppress(Exception):  # malformed metadata raises about anything
        resources = image.info.get("photoshop") or {}
        block = resources.get(_IPTC_RESOURCE) or _from_tiff(image)
        if block:
            digest = resources.get(_DIGEST_RESOURCE)
            actual = md5(block, usedforsecurity=False).digest()
            return _read(block), digest is not None and digest != actual
    return PhotoMetadata(), False


def _from_tiff(image: Image) -> bytes | None:
    """The tag's bytes: programs write them as 32-bit numbers, of which Pillow gives only one."""
    if image.format != "TIFF":
        return None
    directory = getattr(image, "tag_v2", None) or getattr(image.getexif(), "_info", None)
    value = getattr(directory, "_tagdata", {}).get(_TIFF_TAG)
    return value if isinstance(value, bytes) else None


def _read(block: bytes) -> PhotoMetadata:
    fields: dict[tuple[int, int], list[bytes]] = {}
    for number, value in _iter_datasets(block):
        fields.setdefault(number, []).append(value)
    charset = b"".join(fields.get(_CHARSET, ()))
    texts = {
        number: [_decode(value, charset) for value in values] for number, values in fields.items()
    }
    title, date, clock, caption = (
        texts.get(number, [""])[0] for number in (_TITLE, _DATE, _TIME, _CAPTION)
    )
    return PhotoMetadata(
        title=to_photo_title(title),
        caption=to_caption(caption),
        keywords=to_keywords(texts.get(_KEYWORD, ())),
        taken_at=_to_moment(date, clock),
    )


def _iter_datasets(block: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Record and dataset number, and the value, up to the first that is cut off or malformed."""
    start = 0
    for _ in range(_MAX_DATASETS):
        header = block[start : start + _HEADER_BYTES]
        if len(header) < _HEADER_BYTES or header[0] != _MARKER:
            return
        length = int.from_bytes(header[3:], "big")
        start += _HEADER_BYTES
        if length >= _EXTENDED or start + length > len(block):
            return
        yield (header[1], header[2]), block[start : start + length]
        start += length


def _decode(value: bytes, charset: bytes) -> str:
    """By the declared character set; without one UTF-8 where it is, else Windows-1252."""
    called = _CALLED_SET.search(charset)
    if called and _UTF8 not in charset:
        return value.decode(_PART_OF_ISO_8859.get(called[1], "cp1252"), "replace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("utf-8" if _UTF8 in charset else "cp1252", "replace")


def _to_moment(date: str, clock: str) -> str | None:
    """``20210708`` and ``091011+0200``; a day alone where the time is missing or malformed."""
    day, time = _DAY.match(date), _CLOCK.match(clock)
    if day is None:
        return None
    whole_day = "-".join(day.groups())
    if time is None:
        return to_moment(whole_day)
    offset = f"{time[4]}:{time[5]}" if time[4] else ""
    return to_moment(f"{whole_day}T{time[1]}:{time[2]}:{time[3]}{offset}") or to_moment(whole_day)
