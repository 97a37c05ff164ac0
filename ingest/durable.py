"""Files that are either the old or the new, whatever happens: a kill, a loss of power, no room."""

from __future__ import annotations

import os
from contextlib import contextmanager
from secrets import token_hex
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path, fresh: Path | None = None) -> Iterator[IO[str]]:
    """A UTF-8 stream whose content takes a file's place when the block ends.

    After that it survives a loss of power. When the block raises, or there is no room, the file is
    as it was, and nothing is left beside it.

    Args:
        path: Of the file; its folder is there.
        fresh: Where to write first, in the same folder. By default a hidden name of its own, so
            that two processes may replace one file: the later one wins, whole.

    Raises:
        OSError: It cannot be written.
    """
    fresh = fresh or path.with_name(f".{path.name}.{token_hex(4)}.new")
    try:
        with fresh.open("w", encoding="utf-8") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in a folder survive a loss of power.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
