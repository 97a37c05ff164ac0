"""A table in a JSONL, CSV or Parquet file as a source of records: one row, one record."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from ingest.sources.arrow_tables import (
    binary_columns,
    check_names,
    iter_parquet_rows,
    open_parquet,
)
from ingest.sources.columns import Columns, warn_of_vectors
from ingest.sources.names import check_name, to_name
from ingest.sources.row_files import RowFiles, UrlReader, find_other_table
from ingest.sources.row_item import is_url
from ingest.sources.row_records import RowMapper, Table
from ingest.sources.table_files import open_table_file, to_absolute, without_secrets
from ingest.sources.text_tables import iter_csv_rows, iter_jsonl_rows, read_csv_header
from ingest.sources.uris import MANIFEST, to_printable
from schemas.errors import SettingsError, SourceError, SourceUnavailable, UnreadableSource

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ingest.sources.row import Row
    from schemas.records import Record

EXTENSIONS: Mapping[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""Lower-case extension -> format; JSONL, CSV and TSV also with ``.gz`` behind it."""

SAMPLE_ROWS = 100
"""First rows of a JSONL file whose keys are taken for its columns."""


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """The rows of a table, as records. Made by :meth:`open`.

    Attributes:
        path: The file, absolute, or its URL.
        name: What it is called in every source URI; the same name and id are the same item,
            wherever the file lies.
        columns: What its columns mean.
        files: Reads the files and URLs that its rows name.
    """

    path: str
    name: str
    columns: Columns
    files: RowFiles
    _format: str = field(repr=False)
    _packed: bool = field(repr=False)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        columns: Mapping[str, str] | None = None,
        base: str | Path | None = None,
        web: UrlReader | None = None,
        options: Mapping[str, object] | None = None,
    ) -> ManifestSource:
        """A table that is there and whose columns are known; reads its beginning.

        Args:
            path: A ``.jsonl``, ``.ndjson``, ``.csv`` or ``.tsv`` file, perhaps with ``.gz``
                behind it, or a ``.parquet`` file; or the URL of one, as fsspec takes it.
            name: Its name; by default the file's, without extensions and with other characters
                than letters, digits, spaces and ``_.@+=,()-`` replaced by ``_``.
            columns: Role -> column, see :class:`Columns`; the rest are found by usual names.
            base: The folder that paths are relative to and must lie below; by default the
                table's own.
            web: Reads the https URLs of rows; without it they are errors.
            options: Of the file systems of URLs such as ``s3://``.

        Raises:
            SettingsError: There is no such table, its format is not known or needs an extra that
                is not installed, a role or a column does not exist, or the name cannot be used.
            SourceUnavailable: What the table lies on does not answer.
        """
        absolute = to_absolute(path)
        kind, packed = _to_format(absolute)
        stem = _without_query(absolute).rpartition("/")[2].partition(".")[0]
        chosen = check_name(name or to_name(stem))
        folder = without_secrets(absolute) if is_url(absolute) else absolute
        folder = to_absolute(base) if base is not None else folder.rpartition("/")[0] or "/"
        files = RowFiles(folder, web, options or {})
        with open_table_file(absolute, packed=packed, options=files.options) as file:
            meant = _read_columns(file, _without_query(absolute), kind, columns or {})
        return cls(absolute, chosen, meant, files, kind, packed)

    @property
    def scheme(self) -> str:
        """That of its source URIs."""
        return MANIFEST

    @property
    def location(self) -> str:
        """The file."""
        return without_secrets(self.path) if is_url(self.path) else self.path

    def read(self, record: Record, max_bytes: int) -> bytes:
        """The bytes of a row's file or URL; see :meth:`RowFiles.read`."""
        return self.files.read(record, max_bytes)

    def read_beside(self, record: Record, reference: str, max_bytes: int) -> bytes:
        """The bytes of a file that a row's document names; see :meth:`RowFiles.read_beside`."""
        return self.files.read_beside(record, reference, max_bytes)

    def find_rival(self, source_uri: str, location: str) -> str | None:
        """Another table or base folder under this name which is still there."""
        return find_other_table(source_uri, location, self.path, self.files.base)

    def iter_records(
        self,
        skipped: Counter[str] | None = None,  # noqa: ARG002 - every row is a record or an error
    ) -> Iterator[Record | SourceError]:
        """A record for each row, in the order of the file; memory does not grow with its rows.

        (But for eight bytes of each id, see :class:`RowMapper`.) Files and URLs that rows name
        are not read. Of a file on this machine the size, the times and the inode are asked for:
        with a digest of what its row says they are the record's stamp. Rows with a URL have none,
        nor have those that hold their content.

        Yields:
            A record, or an error in the place of a row that cannot become one. A file that breaks
            off ends with an error which stands for the rest; its source URI is that of the root,
            with a slash at the end, as any item may be in the rows that are missing.

        Raises:
            SettingsError: The table is gone or no table any more.
            SourceUnavailable: What it lies on went away in the middle.
        """
        table = Table(self.name, MANIFEST, self.location, self.files.base)
        mapper = RowMapper(table, self.columns)
        options = self.files.options
        with open_table_file(self.path, packed=self._packed, options=options) as file:
            try:
                yield from mapper.iter_records(self._iter_rows(file))
            except (zlib.error, EOFError, OSError) as error:
                yield _to_broken(table, error, packed=self._packed)

    def _iter_rows(self, file: BinaryIO) -> Iterator[Row]:
        if self._format == "parquet":
            return iter_parquet_rows(open_parquet(file, self.location), self.columns)
        if self._format == "jsonl":
            return iter_jsonl_rows(file)
        return iter_csv_rows(file, tabs=self._format == "tsv")


def _to_broken(table: Table, error: Exception, *, packed: bool) -> SourceError:
    """The error that stands for the rest of a file, whose own fault it is."""
    if isinstance(error, OSError) and not (packed and error.errno is None):
        raise SourceUnavailable(
            f"{table.location} cannot be read any more ({error}); run again when it is back"
        ) from error
    return UnreadableSource(
        table.to_uri(""),
        f"{table.label} breaks off ({error}); the rows behind are not known, so make it anew",
    )


def _without_query(path: str) -> str:
    return without_secrets(path) if is_url(path) else path


def _to_format(path: str) -> tuple[str, bool]:
    """The format by extension, and whether the file is packed."""
    suffixes = [one.lower() for one in PurePosixPath(_without_query(path)).suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = (suffixes[:-1] if packed else suffixes)[-1:]
    kind = EXTENSIONS.get(suffix[0]) if suffix else None
    if kind is None or (packed and kind == "parquet"):
        known = ", ".join(EXTENSIONS)
        raise SettingsError(
            f"{to_printable(path)} is no table by its name: use one of {known} (those of "
            "text also with .gz)"
        )
    return kind, packed


def _read_columns(file: BinaryIO, shown: str, kind: str, given: Mapping[str, str]) -> Columns:
    """What the table's columns mean, from its header or its first rows."""
    binary: list[str] = []
    try:
        if kind == "parquet":
            schema = open_parquet(file, shown).schema_arrow
            names, binary = list(schema.names), binary_columns(schema)
        elif kind == "jsonl":
            names = _sample_names(file)
        else:
            names = read_csv_header(file, tabs=kind == "tsv")
    except (zlib.error, EOFError, OSError, ValueError) as error:
        raise SettingsError(f"{shown} cannot be read ({error}); make it anew") from error
    check_names(names, shown)
    named = [name for name in names if name]
    columns = Columns.guess(named, given if names else {}, binary=binary)
    warn_of_vectors(shown, named, columns)
    return columns


def _sample_names(file: BinaryIO) -> list[str]:
    rows = (row for _, row in islice(iter_jsonl_rows(file), SAMPLE_ROWS))
    return list(dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row))
