"""Opening the file that a table is in, here or on a remote file system, packed or not."""

from __future__ import annotations

import gzip
import io
import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit, urlunsplit

from ingest.sources.row_item import is_url
from ingest.sources.uris import to_printable
from schemas.errors import SettingsError, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


@contextmanager
def open_table_file(
    path: str, *, packed: bool, options: Mapping[str, object]
) -> Iterator[BinaryIO]:
    """The bytes of a file, from the beginning.

    Args:
        path: An absolute path, or a URL that fsspec opens.
        packed: Whether it is gzip.
        options: Of the file system of a URL.

    Raises:
        SettingsError: It is not there, no regular file, or what opens such URLs is missing.
        SourceUnavailable: The file system does not answer, or (while reading) not any more.
    """
    with ExitStack() as stack:
        file = stack.enter_context(_open_url(path, options) if is_url(path) else _open_path(path))
        if packed:
            file = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=file)))
        yield file


def to_absolute(path: str | Path) -> str:
    """A path as an absolute one, links as they are; a URL as it is."""
    text = os.fspath(path)
    return text if is_url(text) else os.path.abspath(text)  # noqa: PTH100 - resolve() follows links


def without_secrets(url: str) -> str:
    """The URL without user, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _open_path(path: str) -> BinaryIO:
    try:
        # Not a FIFO or a device: it would be waited for, and cannot be listed a second time.
        if os.path.lexists(path) and not Path(path).is_file():
            raise SettingsError(f"{to_printable(path)} is not a file: give the table's own path")
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"{to_printable(path)} cannot be read ({reason}): give the path of a table"
        ) from error


@contextmanager
def _open_url(url: str, options: Mapping[str, object]) -> Iterator[BinaryIO]:
    from ingest.sources.filesystems import attempt, open_place, to_root_error

    place = open_place(url, options)
    shown = without_secrets(url)
    try:
        file = attempt(place.filesystem, lambda: place.filesystem.open(place.path, "rb"))
    except Exception as error:  # each file system has errors of its own
        raise to_root_error(shown, error) from error
    with file:
        yield cast("BinaryIO", io.BufferedReader(_RemoteFile(file, shown)))


class _RemoteFile(io.RawIOBase):
    """A file of a remote file system, whose errors mean that the system went away."""

    def __init__(self, file: Any, shown: str) -> None:  # noqa: ANN401 - fsspec's, untyped
        self._file = file
        self._shown = shown

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        try:
            content = self._file.read(len(buffer))
        except Exception as error:
            raise SourceUnavailable(
                f"{self._shown} cannot be read any more ({error}); run again when it is back"
            ) from error
        buffer[: len(content)] = content
        return len(content)
