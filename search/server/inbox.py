"""The folder that sent records lie in: names that are safe, files that are whole."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from ingest.sources.uris import to_source_uri
from schemas.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator
    from pathlib import Path

MOST_BYTES: Final = 1_000
"""Of a path below the folder."""

MOST_NAME_BYTES: Final = 200
"""Of one name in it: file systems take 255, and our own unfinished files need some."""

_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
"""What some file system gives a meaning to."""

IN_THE_WAY: Final = "path: a file lies where a folder would; choose another name"

_DEVICE: Final = re.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³])(\..*)?", re.IGNORECASE)


class Inbox:
    """Files below a folder, which is never left.

    Args:
        folder: Made where it is not there.
        root: Name of the root in source URIs.
    """

    def __init__(self, folder: Path, root: str) -> None:
        """Make the folder.

        Raises:
            OSError: It cannot be made.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._root = root

    def to_uri(self, name: str) -> str:
        """The source URI of a record."""
        return to_source_uri(self._root, name)

    def to_path(self, name: str) -> Path:
        """Where a record lies.

        Args:
            name: Its path below the folder, with ``/``.

        Raises:
            QueryError: The name is not safe, or a link leads away.
        """
        parts = name.split("/")
        if len(name.encode("utf-8", "replace")) > MOST_BYTES or not all(map(_is_safe, parts)):
            raise QueryError(
                "path: give names with / between them, none of them hidden, no ., .., \\ or "
                f"control character, up to {MOST_NAME_BYTES} bytes each"
            )
        path = self._folder.joinpath(*parts)
        for one in (path, *path.parents):
            if one == self._folder:
                break
            if one.is_symlink():
                raise QueryError("path: a link lies there; choose another name")
            if one != path and one.exists() and not one.is_dir():
                raise QueryError(IN_THE_WAY)
        if path.is_dir():
            raise QueryError("path: a folder lies there; choose another name")
        return path

    async def receive(self, path: Path, chunks: AsyncIterable[bytes]) -> Path:
        """Write what arrives beside its place; gives the unfinished file.

        Args:
            path: Of :meth:`to_path`.
            chunks: The content; whatever it raises leaves nothing behind.

        Raises:
            QueryError: A file lies where a folder would.
            OSError: It cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):  # made since the path was looked at
            raise QueryError(IN_THE_WAY) from None
        unfinished = path.with_name(f".{token_hex(8)}.part")  # hidden names are not indexed
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
            with open(os.open(unfinished, flags, 0o644), "wb") as to:  # noqa: PTH123, ASYNC230 - a local disk is quicker than a thread
                async for chunk in chunks:
                    to.write(chunk)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        return unfinished

    @contextmanager
    def dropping(self, unfinished: Path) -> Iterator[None]:
        """Remove an unfinished file at the end, unless it has been put in its place."""
        try:
            yield
        finally:
            unfinished.unlink(missing_ok=True)

    def place(self, unfinished: Path, path: Path) -> Path | None:
        """Put a file in its place; gives where what was there before is kept."""
        before = path.with_name(f".{token_hex(8)}.before")
        try:
            os.link(path, before, follow_symlinks=False)
        except OSError:
            kept = None
        else:
            kept = before
        unfinished.replace(path)
        return kept

    def settle(self, path: Path, before: Path | None, *, is_kept: bool) -> None:
        """Keep a file or take it away again, what was there before coming back."""
        if is_kept:
            if before is not None:
                before.unlink(missing_ok=True)
        elif before is not None:
            before.replace(path)
        else:
            path.unlink(missing_ok=True)
            self.tidy(path)

    def tidy(self, path: Path) -> None:
        """Remove folders that have become empty."""
        for folder in path.parents:
            if folder == self._folder:
                return
            with suppress(OSError):
                folder.rmdir()


def _is_safe(name: str) -> bool:
    encoded = name.encode("utf-8", "replace")
    is_short = 0 < len(encoded) <= MOST_NAME_BYTES and name.isprintable()
    is_plain = not name.startswith(".") and not name.endswith((".", " ")) and name == name.strip()
    return is_short and is_plain and not _FORBIDDEN.search(name) and not _DEVICE.fullmatch(name)
