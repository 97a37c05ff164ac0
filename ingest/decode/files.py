"""Reading one file whole, without ever hanging on what is no file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from schemas.errors import SourceTooLarge, UnreadableSource

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES = 1 << 20


def read_file(path: str | Path, source_uri: str, *, max_bytes: int) -> bytes:
    """The bytes of a regular file.

    The path itself must not be a symbolic link; resolve it first. Opening does not block, so that
    a FIFO is refused and not waited for, and the check is made on what was opened.

    Args:
        path: The file.
        source_uri: What errors call it.
        max_bytes: The most that is read.

    Raises:
        UnreadableSource: It is gone, forbidden, or no regular file.
        SourceTooLarge: It has more than ``max_bytes``, or grew beyond them while it was read.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags)
        try:
            _check(os.fstat(descriptor), source_uri, max_bytes)
            return _read(descriptor, source_uri, max_bytes)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableSource(
            source_uri, f"cannot be read ({reason}); check that it is there and may be read"
        ) from error


def read_photograph(path: str, max_bytes: int) -> bytes:
    """A file's bytes; whoever names a symbolic link means its target.

    Raises:
        UnreadableSource: It is gone, forbidden, or no regular file.
        SourceTooLarge: It has more bytes.
    """
    try:
        target = os.path.realpath(path)
    except (OSError, ValueError) as error:
        raise UnreadableSource(path, f"cannot be found ({error}); check the path") from None
    return read_file(target, path, max_bytes=max_bytes)


def _check(status: os.stat_result, source_uri: str, max_bytes: int) -> None:
    """Refuse what is no regular file or is too large, before reading a byte."""
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableSource(source_uri, "not a regular file; only regular files are indexed")
    if status.st_size > max_bytes:
        raise _too_large(source_uri, f"{status.st_size:,}", max_bytes)


def _read(descriptor: int, source_uri: str, max_bytes: int) -> bytes:
    """Read to the end, which may lie further off than the size that was checked."""
    parts: list[bytes] = []
    total = 0
    while part := os.read(descriptor, _READ_BYTES):
        total += len(part)
        if total > max_bytes:
            raise _too_large(source_uri, "more and more", max_bytes)
        parts.append(part)
    return b"".join(parts)


def _too_large(source_uri: str, size: str, max_bytes: int) -> SourceTooLarge:
    return SourceTooLarge(
        source_uri, f"{size} bytes, over the limit of {max_bytes:,}; raise max_source_bytes"
    )
