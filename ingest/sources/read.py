"""Reading files that must lie below a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

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
    return read_below(record.location, _root_path(record), record.source_uri, max_bytes)


def read_beside(record: Record, reference: str, max_bytes: int) -> bytes:
    """The bytes of a file that a document names relative to itself.

    Args:
        record: The document, of a folder source.
        reference: As it stands in the document: percent-encoded, perhaps with a query or a
            fragment, which are left out.
        max_bytes: The most that is read.

    Raises:
        UnreadableSource: It is no relative path, or see :func:`read_bytes`.
        SourceTooLarge: It has more than ``max_bytes``.
    """
    path = to_path_beside(reference, record.source_uri)
    folder = os.path.dirname(record.location)  # noqa: PTH120 - paths may be no text
    return read_below(
        os.path.join(folder, path),  # noqa: PTH118 - likewise
        _root_path(record),
        record.source_uri,
        max_bytes,
    )


def to_path_beside(reference: str, source_uri: str) -> str:
    """The relative path of a reference.

    Raises:
        UnreadableSource: It is a URL or an absolute path.
    """
    try:
        parts = urlsplit(reference)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith(("/", "\\")):
        raise UnreadableSource(source_uri, f"{reference!r} is no file beside the document")
    return unquote(parts.path)


def read_below(
    path: str,
    root_path: str,
    source_uri: str,
    max_bytes: int,
    *,
    advice: str = "restore or remove it",
) -> bytes:
    """The bytes of a file whose real path lies below a folder's.

    Args:
        path: The file; links are followed.
        root_path: The folder.
        source_uri: What errors call the file.
        max_bytes: The most that is read.
        advice: What to do where it is not there.

    Raises:
        UnreadableSource: It is gone, forbidden, no regular file, or outside.
        SourceTooLarge: It has more than ``max_bytes``.
    """
    real = _resolve(path, root_path, source_uri, advice)
    return read_file(real, source_uri, max_bytes=max_bytes)


def _resolve(path: str, root_path: str, source_uri: str, advice: str) -> str:
    """The file's real path, known to lie below the folder."""
    try:
        real = os.path.realpath(path, strict=True)
        root = os.path.realpath(root_path, strict=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableSource(source_uri, f"cannot be found ({reason}); {advice}") from error
    if os.path.commonpath([real, root]) != root:
        raise UnreadableSource(
            source_uri,
            "a symbolic link or a path out of its root, which is not followed; "
            "copy the file below the root or ingest its folder",
        )
    return real


def _root_path(record: Record) -> str:
    """The root's path: the record's own without what its URI says is below the root."""
    relative_path = from_source_uri(record.source_uri)[1]
    if not record.location.endswith(f"/{relative_path}"):
        raise UnreadableSource(
            record.source_uri,
            f"cannot be found (the location {record.location!r} is not where the URI says)",
        )
    return record.location.removesuffix(relative_path)
