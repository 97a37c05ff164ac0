"""Query images that are kept for a while, so that an address can name them."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from schemas.errors import UploadMissing

if TYPE_CHECKING:
    from pathlib import Path

_ID = re.compile(r"[0-9a-f]{64}")

_STALE_SECONDS: Final = 600.0
"""A file half written for so long was left by a process that died."""


class UploadStore:
    """Files by the hash of their content, in a folder that several processes may use.

    Args:
        folder: Where; made with the first file. Nothing else may lie there.
        keep_seconds: For so long after it was last sent or asked for.
        most_bytes: Of all files together; the oldest are dropped first.
    """

    def __init__(self, folder: Path, *, keep_seconds: float, most_bytes: int) -> None:
        """Look at nothing yet."""
        self._folder = folder
        self._keep_seconds = keep_seconds
        self._most_bytes = most_bytes

    def keep(self, content: bytes) -> str:
        """Keep a file; gives its id.

        Raises:
            OSError: It cannot be written.
        """
        from blake3 import blake3

        upload_id = blake3(content).hexdigest()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f"{token_hex(8)}.tmp"
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:  # noqa: PTH123 - with a mode
                to.write(content)
            unfinished.replace(self._folder / upload_id)
        finally:
            unfinished.unlink(missing_ok=True)
        self._drop_old(spared=upload_id)
        return upload_id

    def read(self, upload_id: str) -> bytes:
        """The content of an upload, which is then kept anew.

        Raises:
            UploadMissing: It was never there, or was dropped.
        """
        missing = UploadMissing(f"there is no upload {upload_id!r:.100} any more; send it again")
        if not _ID.fullmatch(upload_id):
            raise missing
        path = self._folder / upload_id
        try:
            if path.stat().st_mtime < time.time() - self._keep_seconds:
                raise missing
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            raise missing from None
        return content

    def _drop_old(self, spared: str) -> None:
        now, total = time.time(), 0
        for age, size, path in sorted(self._iter_files(now)):
            total += size
            keep = self._keep_seconds if _ID.fullmatch(path.name) else _STALE_SECONDS
            if path.name != spared and (age > keep or total > self._most_bytes):
                with suppress(OSError):  # another process was quicker
                    path.unlink()

    def _iter_files(self, now: float) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.iterdir():
            with suppress(OSError):
                status = path.stat()
                found.append((now - status.st_mtime, status.st_size, path))
        return found
