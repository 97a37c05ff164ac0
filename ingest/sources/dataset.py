"""A Hugging Face dataset on disk as a source of records: one row, one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.sources.arrow_tables import (
    binary_columns,
    check_names,
    iter_batch_rows,
    to_batch_rows,
    wanted_columns,
)
from ingest.sources.columns import Columns, warn_of_vectors
from ingest.sources.names import check_name, to_name
from ingest.sources.row_files import RowFiles, UrlReader, find_other_table
from ingest.sources.row_records import RowMapper, Table
from ingest.sources.table_files import to_absolute
from ingest.sources.uris import DATASET, to_printable
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from ingest.sources.row import Row
    from schemas.errors import SourceError
    from schemas.records import Record


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """The rows of a dataset that ``save_to_disk`` wrote, as records. Made by :meth:`open`.

    Attributes:
        path: Its folder, absolute.
        name: What it is called in every source URI; the same name and id are the same item,
            wherever the folder lies.
        columns: What its columns mean.
        files: Reads the files and URLs that its rows name.
    """

    path: str
    name: str
    columns: Columns
    files: RowFiles
    _dataset: Any = field(repr=False, compare=False)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        split: str | None = None,
        name: str | None = None,
        columns: Mapping[str, str] | None = None,
        base: str | Path | None = None,
        web: UrlReader | None = None,
    ) -> DatasetSource:
        """A dataset that is there and whose columns are known; its rows stay on the disk.

        Args:
            folder: What ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote.
            split: Which part of a ``DatasetDict``; not needed where it has but one.
            name: Its name; by default the folder's own, with the split's behind it.
            columns: Role -> column, see :class:`Columns`; the rest are found by usual names.
            base: The folder that paths are relative to and must lie below; by default the
                dataset's own.
            web: Reads the https URLs of rows; without it they are errors.

        Raises:
            SettingsError: The package is not installed, there is no such dataset or split, a role
                or a column does not exist, or the name cannot be used.
        """
        path = to_absolute(folder)
        shown = to_printable(path)
        dataset, part = _choose(_load(path, shown), split, shown)
        own = Path(path).name + (f"-{part}" if part else "")
        schema = dataset.data.table.schema
        check_names(schema.names, shown)
        binary = binary_columns(schema)
        meant = Columns.guess(schema.names, columns or {}, binary=binary)
        warn_of_vectors(shown, schema.names, meant)
        files = RowFiles(path if base is None else to_absolute(base), web)
        return cls(path, check_name(name or to_name(own)), meant, files, dataset)

    @property
    def scheme(self) -> str:
        """That of its source URIs."""
        return DATASET

    @property
    def location(self) -> str:
        """The folder."""
        return self.path

    def read(self, record: Record, max_bytes: int) -> bytes:
        """The bytes of a row's file or URL; see :meth:`RowFiles.read`."""
        return self.files.read(record, max_bytes)

    def read_beside(self, record: Record, reference: str, max_bytes: int) -> bytes:
        """The bytes of a file that a row's document names; see :meth:`RowFiles.read_beside`."""
        return self.files.read_beside(record, reference, max_bytes)

    def find_rival(self, source_uri: str, location: str) -> str | None:
        """Another dataset or base folder under this name which is still there."""
        return find_other_table(source_uri, location, self.path, self.files.base)

    def iter_records(
        self,
        skipped: Counter[str] | None = None,  # noqa: ARG002 - every row is a record or an error
    ) -> Iterator[Record | SourceError]:
        """A record for each row, in the dataset's order; rows are mapped from the disk.

        Images are not decoded: their bytes are the record's content, or their path its location.

        Yields:
            A record, or an error in the place of a row that cannot become one.
        """
        table = Table(self.name, DATASET, self.path, self.files.base)
        yield from RowMapper(table, self.columns).iter_records(self._iter_rows())

    def _iter_rows(self) -> Iterator[Row]:
        table = self._dataset.data.table
        table = table.select(wanted_columns(table.schema, self.columns))
        labels = _find_labels(self._dataset.features)
        first = 1
        for batch in table.to_reader(to_batch_rows(table.nbytes, table.num_rows)):
            for number, row in iter_batch_rows(batch, self.columns, first):
                yield number, {**row, **_to_labels(row, labels)} if labels else row
            first += batch.num_rows


def _load(path: str, shown: str) -> Any:  # noqa: ANN401 - the package has no types
    try:
        from datasets import load_from_disk
    except ImportError as error:
        raise SettingsError(
            "a dataset needs the extra `datasets`: pip install 'diptych[datasets]'"
        ) from error
    try:
        return load_from_disk(path)
    except Exception as error:  # the package raises whatever reading the folder raises
        raise SettingsError(
            f"{shown} cannot be read as a dataset ({error}): "
            "give the folder that save_to_disk wrote"
        ) from error


def _choose(loaded: Any, split: str | None, shown: str) -> tuple[Any, str]:  # noqa: ANN401 - likewise
    """The dataset, and the name of the split if there are several."""
    if not isinstance(loaded, Mapping):
        if split is None:
            return loaded, ""
        raise SettingsError(f"{shown} is one dataset without splits; leave the split out")
    names = ", ".join(loaded)
    if split is None and len(loaded) > 1:
        raise SettingsError(f"{shown} has several splits: name one of {names}")
    chosen = split or next(iter(loaded), "")
    if chosen not in loaded:
        raise SettingsError(f"{shown} has no split {chosen!r}: name one of {names or 'none'}")
    return loaded[chosen], chosen if len(loaded) > 1 else ""


def _find_labels(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names of the classes, of each column whose numbers stand for some."""
    from datasets import ClassLabel

    return {name: one.names for name, one in features.items() if isinstance(one, ClassLabel)}


def _to_labels(row: Mapping[str, object], labels: Mapping[str, list[str]]) -> dict[str, object]:
    found = ((name, row.get(name), names) for name, names in labels.items())
    return {
        name: names[value]
        for name, value, names in found
        if isinstance(value, int) and 0 <= value < len(names)
    }
