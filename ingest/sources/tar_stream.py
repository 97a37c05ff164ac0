"""The members of a tar file, read forward once: nothing is extracted, nothing is sought.

:mod:`tarfile` does the parsing. What it leaves open is closed here: it takes a damaged or cut
header for the end of the archive, keeps every header it has read, reads an extended header of any
size into memory, and skips a member of any size whether or not there is so much.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_HEADER_BYTES = 1 << 20
"""Of one member's headers (long names, extended attributes), which are a few kB at most."""

_BUFFER_BYTES = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_ENDS = 4
"""How often the end of the file may be met: by the parser, and by looking behind its end mark."""


def iter_members(
    file: io.RawIOBase | io.BufferedReader,
) -> Iterator[tuple[tarfile.TarInfo, Callable[[], bytes]]]:
    """Every member of a tar file, compressed with gzip or not, with what reads it.

    A member can be read until the next one is asked for. One header and one buffer are held.

    Args:
        file: Where the bytes come from, read forward only.

    Raises:
        tarfile.ReadError: The file is cut short, corrupt, or no tar file; says which.
        OSError: The bytes cannot be had.
    """
    allowance = _Allowance(file)
    with _only_read_errors():
        tar = tarfile.open(  # noqa: SIM115 - it holds nothing open
            fileobj=cast("BinaryIO", allowance),
            mode="r|",
            bufsize=_BUFFER_BYTES,
            tarinfo=_Member,
            encoding="utf-8",
            errors="surrogateescape",
        )
    while True:
        with _only_read_errors():
            allowance.reach(tar.offset)
            member = tar.next()
            tar.members.clear()  # type: ignore[attr-defined] # typeshed leaves it out
            if member is None:
                _check_end(tar)
                return
        yield member, _Read(tar, member, allowance)


class _Read:
    """Reads one member, called."""

    def __init__(
        self, tar: tarfile.TarFile, member: tarfile.TarInfo, allowance: _Allowance
    ) -> None:
        self._tar = tar
        self._member = member
        self._allowance = allowance

    def __call__(self) -> bytes:
        with _only_read_errors():
            self._allowance.reach(self._member.offset_data + self._member.size)
            file = self._tar.extractfile(self._member)
            content = file.read() if file else b""
        if len(content) != self._member.size:
            raise tarfile.ReadError("cut short")
        return content


class _Allowance:
    """The file that the parser sees: decompressed, and no more of it than a header may take."""

    def __init__(self, file: io.RawIOBase | io.BufferedReader) -> None:
        if not isinstance(file, io.BufferedReader):
            file = io.BufferedReader(file, _BUFFER_BYTES)
        is_gzip = file.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)] == _GZIP_MAGIC
        self._file = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if is_gzip else file
        self._taken = 0
        self._ends = 0
        self.reach(0)

    def reach(self, offset: int) -> None:
        """Allow reading up to an offset, and one member's headers beyond."""
        self._limit = offset + MAX_HEADER_BYTES + _BUFFER_BYTES

    def read(self, size: int) -> bytes:
        part = self._file.read(size)
        self._taken += len(part)
        self._ends += not part
        if self._taken > self._limit:
            raise tarfile.ReadError(f"a header of more than {MAX_HEADER_BYTES:,} bytes")
        if self._ends > _MAX_ENDS:
            raise tarfile.ReadError("cut short")
        return part


class _Member(tarfile.TarInfo):
    """A header; only a block of zeros ends an archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if buf and not any(buf):
                raise
            problem = "a damaged header" if len(buf) == tarfile.BLOCKSIZE else "cut short"
            raise tarfile.ReadError(problem) from error


def _check_end(tar: tarfile.TarFile) -> None:
    """Nothing but zeros may follow the end mark: a hole, or another tar file, would be lost."""
    while rest := cast("BinaryIO", tar.fileobj).read(_BUFFER_BYTES):
        if any(rest):
            raise tarfile.ReadError("more follows behind its end mark")


@contextmanager
def _only_read_errors() -> Iterator[None]:
    """Whatever damaged bytes make parsers raise is one error."""
    try:
        yield
    except (
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        ValueError,
        ArithmeticError,
        LookupError,
        RecursionError,
    ) as error:
        raise tarfile.ReadError(str(error) or type(error).__name__) from error
