"""Rows of JSONL and CSV files, read line by line."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, BinaryIO

from ingest.sources.row import Unusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.sources.row import Row

MAX_ROW_BYTES = 16_000_000
"""Of one line of JSONL, or one row of CSV: a longer one is an error and passed over."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t"
_TOO_LONG = f"has more than {MAX_ROW_BYTES:,} bytes; keep its bytes in a file and name the file"
_NO_UTF8 = "is not UTF-8; save the table as UTF-8"


def iter_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file, without a byte order mark before the first; None for one too long."""
    first = True
    while line := file.readline(MAX_ROW_BYTES + 1):
        if len(line) > MAX_ROW_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_ROW_BYTES)
            yield None
        else:
            yield line.removeprefix(_BYTE_ORDER_MARK) if first else line
        first = False


def iter_jsonl_rows(file: BinaryIO) -> Iterator[Row]:
    """A row for each line that is not empty; its number is the line's."""
    for number, line in enumerate(iter_lines(file), start=1):
        if line is None:
            yield number, Unusable(_TOO_LONG)
        elif not line.isspace():
            yield number, _parse(line)


_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)
"""NaN and infinities, which are no JSON but stand in many a file, become null."""


def _parse(line: bytes) -> Mapping[str, object] | Unusable:
    try:
        row = _DECODER.decode(line.decode())
        # Only an escape can bring half a character in, and only looking for one is quick.
        if b"\\ud" in line or b"\\uD" in line:
            row = _DECODER.decode(_without_halves(row))
    except UnicodeDecodeError:
        return Unusable(_NO_UTF8)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "") or "nested too deep or a number too long"
        return Unusable(f"is no JSON ({reason[:200]}); mend the line")
    return row if isinstance(row, dict) else Unusable("is no JSON object; write {...} on the line")


def _without_halves(row: object) -> str:
    """The row as JSON again, with U+FFFD for each surrogate that has no other half."""
    text = json.dumps(row, ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_csv_header(file: BinaryIO, *, tabs: bool) -> list[str]:
    """The names in the header; none for an empty file.

    Raises:
        ValueError: It is no CSV, or no UTF-8.
    """
    return _open_csv(file, tabs=tabs)[0]


def iter_csv_rows(file: BinaryIO, *, tabs: bool) -> Iterator[Row]:
    """A row for each one below the header; empty cells and empty rows are left out.

    Every value is text. Rows are numbered from 1, the header not counted.

    Args:
        file: Its first line that is not empty is the header.
        tabs: Whether cells are divided by tabs; else by whatever of comma, semicolon and tab the
            header has most of.

    Raises:
        ValueError: The header is no CSV, or no UTF-8.
    """
    header, reader = _open_csv(file, tabs=tabs)
    rows = (cells for cells in _iter_cells(reader) if cells)
    for number, cells in enumerate(rows, start=1):
        yield number, cells if isinstance(cells, Unusable) else _to_row(header, cells)


def _open_csv(file: BinaryIO, *, tabs: bool) -> tuple[list[str], Iterator[list[str]]]:
    """The header, and a reader of what is below it."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_BYTES))  # of the whole process
    lines = _CsvLines(file)
    first = next((line for line in lines if line.strip()), "")
    lines.put_back(first)
    delimiter = "\t" if tabs else max(_DELIMITERS, key=first.count)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(reader)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if _is_broken("".join(header)):
        msg = f"its header {_NO_UTF8}"
        raise ValueError(msg)
    return header, reader


def _iter_cells(reader: Iterator[list[str]]) -> Iterator[list[str] | Unusable]:
    """The cells of each row; a row that cannot be read costs only itself."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except (csv.Error, ValueError) as error:
            yield Unusable(f"is no CSV ({error}); check its quotes and mend it")


def _to_row(header: list[str], cells: list[str]) -> Mapping[str, object] | Unusable:
    if len(cells) != len(header):
        return Unusable(
            f"has {len(cells)} cells where the header has {len(header)}; check its quotes"
        )
    joined = "".join(cells)
    if not joined.isascii() and _is_broken(joined):
        return Unusable(_NO_UTF8)
    return {name: cell for name, cell in zip(header, cells, strict=True) if cell}


def _is_broken(text: str) -> bool:
    """Whether bytes in it were no UTF-8; they stand as surrogates then."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


class _CsvLines:
    """Lines for :func:`csv.reader`, which goes on after an error only if its lines do."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = iter_lines(file)
        self._next: str | None = None

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        line, self._next = self._next, None
        return self._read() if line is None else line

    def put_back(self, line: str) -> None:
        """Give this line once more."""
        self._next = line

    def _read(self) -> str:
        line = next(self._lines)
        if line is None:
            raise ValueError(_TOO_LONG)
        return line.decode("utf-8", "surrogateescape")
