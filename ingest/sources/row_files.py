"""Reading what the rows of a table name: files below a folder, URLs, objects of a remote store."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from ingest.sources.read import read_below, to_path_beside
from ingest.sources.row import RowError
from ingest.sources.row_item import is_url, to_location
from ingest.sources.uris import from_source_uri
from schemas.errors import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import Record

ROW_MARK = "#row="
"""Stands in a location between a table and the number of one of its rows."""

_ADVICE = "restore it, mend the row, or name the folder of the table's paths with --base"


class UrlReader(Protocol):
    """Reads https URLs of allowed hosts; :class:`ingest.sources.web.WebReader` is one."""

    def read(self, url: str, source_uri: str, max_bytes: int) -> bytes:
        """The bytes at the URL.

        Raises:
            SourceError: They cannot be had, or are too many.
        """
        ...


@dataclass(frozen=True, slots=True)
class RowFiles:
    """What the rows of one table may read.

    Attributes:
        base: The folder, or the URL of one, that paths are relative to and must lie below.
        web: Reads URLs; without it a row with a URL is an error.
        options: Of the file systems that rows and the table itself lie on.
    """

    base: str
    web: UrlReader | None = None
    options: Mapping[str, object] = field(default_factory=dict, repr=False)

    def read(self, record: Record, max_bytes: int) -> bytes:
        """The bytes of a record.

        Raises:
            UnreadableSource: They are gone, forbidden, outside the base, or at a URL which may
                not be read.
            SourceTooLarge: There are more than ``max_bytes``.
        """
        if record.content is not None:
            return record.content
        return self._read(record.location, record.source_uri, max_bytes)

    def read_beside(self, record: Record, reference: str, max_bytes: int) -> bytes:
        """The bytes of a file beside a document, below the base.

        Raises:
            UnreadableSource: The document is in the table itself or on the web, or see
                :meth:`read`.
            SourceTooLarge: There are more than ``max_bytes``.
        """
        path = to_path_beside(reference, record.source_uri)
        folder, _, name = record.location.rpartition("/")
        below = record.location.startswith(os.path.join(self.base, ""))  # noqa: PTH118 - a prefix
        if ROW_MARK in name or not below:
            raise UnreadableSource(record.source_uri, f"no file {reference!r} lies beside a row")
        try:
            location = to_location(path, folder)
        except RowError as error:
            raise UnreadableSource(record.source_uri, str(error)) from error
        return self._read(location, record.source_uri, max_bytes)

    def _read(self, location: str, source_uri: str, max_bytes: int) -> bytes:
        if not is_url(location):
            return read_below(location, self.base, source_uri, max_bytes, advice=_ADVICE)
        scheme = location.partition("://")[0].lower()
        if scheme == "https":
            return self._read_url(location, source_uri, max_bytes)
        if scheme == "http":
            raise UnreadableSource(source_uri, "URLs are read over https only; write https://")
        from ingest.sources.remote import read_remote

        return read_remote(location, source_uri, max_bytes, self.options)

    def _read_url(self, url: str, source_uri: str, max_bytes: int) -> bytes:
        if self.web is not None:
            return self.web.read(url, source_uri, max_bytes)
        try:
            host = urlsplit(url).hostname or "HOST"
        except ValueError:
            host = "HOST"
        raise UnreadableSource(
            source_uri, f"URLs are read from allowed hosts only: allow it with --allow-host {host}"
        )


def find_other_table(source_uri: str, location: str, table_path: str, base: str) -> str | None:
    """Another table, or another base folder, that stands for the same name and is still there.

    Args:
        source_uri: Of an item that is indexed under the name.
        location: Where it was.
        table_path: The table that stands for the name now.
        base: Its base.
    """
    before, mark, _ = location.rpartition(ROW_MARK)
    now = table_path
    if not mark:
        key = f"/{from_source_uri(source_uri)[1]}"
        if not location.endswith(key):
            return None
        before, now = location.removesuffix(key), base
    if is_url(before) or is_url(now) or before == now or not os.path.lexists(before):
        return None
    is_same = os.path.exists(now) and Path(before).samefile(now)  # noqa: PTH110 - likewise a str
    return None if is_same else before
