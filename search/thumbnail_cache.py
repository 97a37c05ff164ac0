"""Small files by key, in a folder that may be used by several processes and is bounded in bytes.

Not a library: the well-known one for this has had no release since 2023 and unpickles what it finds
in its folder.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 256 << 20

_SLACK = 16
"""A process may write so many parts of the bound until it looks again how full the folder is."""

_KEY = re.compile(r"[0-9a-f]{8,64}")
_SUFFIX = ".webp"


class _Kept(NamedTuple):
    used_ns: int
    size_bytes: int
    path: Path


class ThumbnailCache:
    """Keeps thumbnails; the least recently used are dropped. Safe for threads and processes.

    A folder that cannot be written or read keeps nothing, and nobody is the worse for it.

    Args:
        folder: Where; made when something is kept. Nothing else may lie there.
        most_bytes: Of all files together; exceeded by a sixteenth for each process at most.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Look at nothing yet."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._written: int | None = None
        self._lock = Lock()

    def read(self, key: str) -> bytes | None:
        """What was kept, or None.

        Args:
            key: Of hexadecimal digits.

        Raises:
            ValueError: It is not.
        """
        path = self._to_path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return content

    def write(self, key: str, content: bytes) -> None:
        """Keep something, whole or not at all.

        Raises:
            ValueError: The key is not of hexadecimal digits.
        """
        path = self._to_path(key)
        fresh = path.with_name(f".{token_hex(8)}.new")
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                fresh.write_bytes(content)
                fresh.replace(path)
            finally:
                fresh.unlink(missing_ok=True)
        self._account(len(content))

    def _to_path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            msg = f"no key: {key!r}"
            raise ValueError(msg)
        return self._folder / key[:2] / f"{key}{_SUFFIX}"

    def _account(self, size_bytes: int) -> None:
        """Drop what is too much, at the first write and after every sixteenth of the bound."""
        with self._lock:
            written = self._written
            self._written = size_bytes if written is None else written + size_bytes
            if written is not None and self._written <= self._most_bytes // _SLACK:
                return
            self._written = 0
            self._drop()

    def _drop(self) -> None:
        kept = sorted(self._iter_kept())
        total = sum(one.size_bytes for one in kept)
        for one in kept:
            if total <= self._most_bytes:
                return
            with suppress(OSError):
                one.path.unlink()
            total -= one.size_bytes

    def _iter_kept(self) -> Iterator[_Kept]:
        """Every file, also what a killed process left half written."""
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                status = path.lstat()
                yield _Kept(status.st_mtime_ns, status.st_size, path)
