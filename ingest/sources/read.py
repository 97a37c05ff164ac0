"""Reading a record's bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ingest.decode.files import read_file
from ingest.sources.uris import from_source_uri
from schemas.errors import UnreadableSource

if TYPE_CHECKING:
    from schemas.records import Record


def read_bytes(record: Record, max_bytes: int) -> bytes:
    """The bytes of a record's file, read at once.

    A symbolic link is followed when its target lies below the record's root, and only then.

    Args:
        record: Of a folder source.
        max_bytes: The most that is read.

    Raises:
        UnreadableSource: The file is gone, forbidden, no regular file, or a link out of its root.
        SourceTooLarge: It has more than ``max_bytes``.
    """
    return read_file(_resolve(record), record.source_uri, max_bytes=max_bytes)


def _resolve(record: Record) -> str:
    """The real path of the record's file, known to lie below its root."""
    try:
        real = os.path.realpath(record.location, strict=True)
        root = os.path.realpath(_root_path(record), strict=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableSource(
            record.source_uri, f"cannot be found ({reason}); restore or remove it"
        ) from error
    if os.path.commonpath([real, root]) != root:
        raise UnreadableSource(
            record.source_uri,
            "a symbolic link out of its root, which is not followed; "
            "copy the file below the root or ingest its folder",
        )
    return real


def _root_path(record: Record) -> str:
    """The root's path: the record's own without what its URI says is below the root."""
    relative_path = from_source_uri(record.source_uri)[1]
    if not record.location.endswith(f"/{relative_path}"):
        raise ValueError(f"the location {record.location!r} is not where the URI says")
    return record.location.removesuffix(relative_path)
