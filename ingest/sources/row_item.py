"""What a row's item is and where it lies: bytes, a file, a URL or a text."""

from __future__ import annotations

import binascii
import os
import posixpath
import re
from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit
from uuid import UUID

from ingest.sources.media_types import MEDIA_TYPES
from ingest.sources.row import RowError, Unusable
from ingest.sources.sniff import sniff_media_type
from schemas.errors import UnreadableSource, UnsupportedFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.sources.columns import Columns

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*(?:::|://))")
_IMAGE_NAME = re.compile(r"image|img|photo|picture|thumb", re.IGNORECASE)
_KNOWN_MEDIA_TYPES = frozenset({*MEDIA_TYPES.values(), "text/plain"})
UNKNOWN_IMAGE = "image/*"
"""Media type of an image whose name does not say which kind; decoding looks at the bytes."""

TEXT = "text/plain"


class Item(NamedTuple):
    """What a row stands for; a tuple, because one is made for each row.

    Attributes:
        role: Of the column that named it.
        media_type: What it is, or is taken for until it is decoded.
        location: Where it can be read; None when ``content`` is all there is.
        content: The bytes, if the row holds them.
    """

    role: str
    media_type: str
    location: str | None = None
    content: bytes | None = None


class ItemFinder:
    """Finds the item of each row of one table.

    Args:
        columns: What the table's columns mean.
        base: The folder, or the URL of one, that paths are relative to.
    """

    def __init__(self, columns: Columns, base: str) -> None:
        """Keep both."""
        self._columns = columns
        self._base = base
        places = ("path", columns.path), ("url", columns.url)
        self._places = [(role, name) for role, name in places if name]

    def find(
        self, row: Mapping[str, object], text: str | None, *, with_caption: bool
    ) -> Item | None:
        """The item by the first column that has one: content, path, URL, text.

        Args:
            row: The values.
            text: Those of the text column, as words.
            with_caption: Whether words come with the item, as they do with images.

        Returns:
            The item, or None for a row without one.

        Raises:
            RowError: The value is of a wrong type, leads out of the base, or what it stands for
                is of no supported kind.
        """
        columns = self._columns
        declared = _to_declared(row, columns.media_type) if columns.media_type else None
        content = row.get(columns.content) if columns.content else None
        if content is not None and (item := self._from_content(row, content, declared)):
            return item
        for role, name in self._places:
            if value := to_reference(row, name):
                is_image = with_caption or _IMAGE_NAME.search(name) is not None
                return self._from_reference(role, value, declared, is_image=is_image)
        if text:
            return Item("text", _to_text_type(declared), None, text.encode(errors="replace"))
        return None

    def _from_content(
        self, row: Mapping[str, object], value: object, declared: str | None
    ) -> Item | None:
        """From bytes, base64, or a struct of bytes and path; None for an empty one."""
        path = row.get(self._columns.path) if self._columns.path else None
        if isinstance(value, dict):
            path = to_reference(value, "path") or path
            if value.get("bytes") is None and isinstance(path, str) and path:
                return self._from_reference("content", path, declared, is_image=True)
            value = value.get("bytes")
        if isinstance(value, str):
            value = _from_base64(value)
        if not value:
            return None
        if isinstance(value, Unusable) or not isinstance(value, bytes):
            raise RowError(_to_problem(value, self._columns.content, "bytes"))
        media_type = declared or sniff_media_type(value) or to_media_type(path)
        if media_type is None:
            raise RowError(
                "its bytes are of no supported format; name it in a media_type column or remove it",
                UnsupportedFormat,
            )
        return Item("content", media_type, content=value)

    def _from_reference(
        self, role: str, value: str, declared: str | None, *, is_image: bool
    ) -> Item:
        if value.startswith("data:"):
            found, content = _from_data_uri(value)
            found = declared or sniff_media_type(content) or _check_supported(found)
            return Item(role, found, content=content)
        media_type = declared or to_media_type(value) or (UNKNOWN_IMAGE if is_image else None)
        if media_type is None:
            raise RowError(
                f"{value[:200]!r} has no extension of a supported format; name its format in a "
                "media_type column or remove it",
                UnsupportedFormat,
            )
        return Item(role, media_type, to_location(value, self._base))


def to_words(row: Mapping[str, object], name: str | None) -> str | None:
    """A value as words without white space around them; None where there are none.

    Numbers and UUIDs are written out, a list of words gives one line each.

    Raises:
        RowError: It is anything else.
    """
    value = row.get(name) if name else None
    if value is None:
        return None
    if type(value) is str:  # nearly always
        return value.strip() or None
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = "\n".join(value)
    if isinstance(value, int | float | UUID) and not isinstance(value, bool):
        return None if value != value else str(value)  # noqa: PLR0124 - NaN alone differs
    if isinstance(value, str):
        return value.strip() or None
    raise RowError(_to_problem(value, name, "text"))


def to_reference(row: Mapping[str, object], name: str | None) -> str | None:
    """A value as a path or a URL, with the spaces that may be part of it; None where it is empty.

    Raises:
        RowError: It is no text.
    """
    value = row.get(name) if name else None
    if value is None or isinstance(value, str):
        return value if value and not value.isspace() else None
    raise RowError(_to_problem(value, name, "a path or URL"))


def to_location(value: str, base: str) -> str:
    """Where a path or URL of a row leads: a URL, or an absolute path.

    Raises:
        RowError: It leads out of a base that is a URL. (Whether a file lies below a folder is
            known when links are followed, that is when it is read.)
    """
    if is_url(value):
        return value
    if not is_url(base):
        return os.path.join(base, value)  # noqa: PTH118 - must not touch the path
    path = posixpath.normpath(f"/{value}")
    if value.startswith("/") or ".." in value.split("/"):
        raise RowError(f"{value[:200]!r} leads out of {base}", UnreadableSource)
    return base.rstrip("/") + path


def is_url(value: str) -> bool:
    """Whether it begins like a URL: with a scheme and ``://``, or a chain of them."""
    return _URL.match(value) is not None


def to_media_type(name: object) -> str | None:
    """By the extension of a path or of a URL's path; None where it says nothing."""
    if not isinstance(name, str):
        return None
    if is_url(name):
        try:
            name = urlsplit(name).path
        except ValueError:
            return None
    return MEDIA_TYPES.get(posixpath.splitext(name)[1].lower())


def _to_declared(row: Mapping[str, object], name: str | None) -> str | None:
    value = to_words(row, name)
    if value is None:
        return None
    return _check_supported(value.partition(";")[0].strip().lower())


def _check_supported(media_type: str) -> str:
    if media_type in _KNOWN_MEDIA_TYPES or media_type.startswith("image/"):
        return media_type
    raise RowError(f"{media_type[:100]!r} is no supported media type", UnsupportedFormat)


def _to_text_type(declared: str | None) -> str:
    return declared if declared and declared.startswith("text/") else TEXT


def _from_base64(value: str) -> bytes | Unusable:
    if value.startswith("data:"):
        return _from_data_uri(value)[1]
    try:
        return b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return Unusable("is no base64; to name files, give the column the role path")


def _from_data_uri(value: str) -> tuple[str, bytes]:
    head, comma, body = value.removeprefix("data:").partition(",")
    try:
        content = b64decode(unquote_to_bytes(body)) if "base64" in head else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        content = b""
    if not comma or not content:
        raise RowError("its data: URI is malformed; write it anew")
    return head.partition(";")[0].strip().lower() or TEXT, content


def _to_problem(value: object, name: str | None, wanted: str) -> str:
    if isinstance(value, Unusable):
        return f"column {name!r} {value.reason}"
    return f"column {name!r} holds a {type(value).__name__} where {wanted} is expected"
