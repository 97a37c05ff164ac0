"""Rows of Arrow tables and Parquet files, a batch of columns at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, BinaryIO

from ingest.sources.columns import VECTOR_NAMES
from ingest.sources.row import Unusable
from ingest.sources.row_vector import to_float32, to_vectors
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    import pyarrow.parquet as pq

    from ingest.sources.columns import Columns
    from ingest.sources.row import Row

_BATCH_BYTES = 8 << 20
"""Of the rows that are in memory at once, by what the file says of its row groups' size."""

_MAX_BATCH_ROWS = 2_048
_STREAM_BYTES = 1 << 18
"""Read at a time of each column; without such a stream a row group's whole column is read."""


def open_parquet(file: BinaryIO, location: str) -> pq.ParquetFile:
    """A Parquet file of which the footer has been read.

    Raises:
        SettingsError: pyarrow is not installed, or it is no Parquet file.
    """
    ensure_pyarrow()
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(file, buffer_size=_STREAM_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise SettingsError(
            f"{location}: not a Parquet file ({error}); make the table anew"
        ) from error


def ensure_pyarrow() -> None:
    """See that pyarrow is there.

    Raises:
        SettingsError: It is not.
    """
    try:
        import pyarrow as pa  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise SettingsError(
            "Parquet needs the extra `parquet`: pip install 'diptych[parquet]'"
        ) from error


def binary_columns(schema: pa.Schema) -> list[str]:
    """The columns that hold bytes, alone or in a struct of bytes and path."""
    return [field.name for field in schema if _is_binary(field.type)]


def wanted_columns(schema: pa.Schema, columns: Columns) -> list[str]:
    """Those with a role, and those that can become metadata: bytes and vectors cannot."""
    roles = set(columns.to_roles().values())
    return [
        field.name
        for field in schema
        if field.name in roles or not (_is_binary(field.type) or _is_spare_vector(field))
    ]


def iter_parquet_rows(file: pq.ParquetFile, columns: Columns) -> Iterator[Row]:
    """The rows of a Parquet file, from the first; they are numbered from 1.

    A row group that cannot be read is one unusable row, and the next one goes on behind it.
    """
    import pyarrow as pa

    names = wanted_columns(file.schema_arrow, columns)
    first = 1
    for index in range(file.num_row_groups):
        group = file.metadata.row_group(index)
        number = first
        batch_rows = to_batch_rows(group.total_byte_size, group.num_rows)
        try:
            for batch in file.iter_batches(batch_rows, [index], names, use_threads=False):
                yield from iter_batch_rows(batch, columns, number)
                number += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            last = first + group.num_rows - 1
            yield number, Unusable(f"and all up to row {last} cannot be read ({error}); mend it")
        first += group.num_rows


def iter_batch_rows(
    batch: pa.RecordBatch, columns: Columns, first: int
) -> Iterator[tuple[int, dict[str, object]]]:
    """The rows of a batch.

    Args:
        batch: Any columns.
        columns: Which of them are what.
        first: Number of its first row.
    """
    names = batch.schema.names
    values = [
        _to_vector_values(column) if name == columns.vector else _to_values(column)
        for name, column in zip(names, batch.columns, strict=True)
    ]
    for number, row in enumerate(zip(*values, strict=True), start=first):
        yield number, dict(zip(names, row))  # noqa: B905 - checked above, and a tenth quicker


def to_batch_rows(size_bytes: int, rows: int) -> int:
    """How many rows to have in memory at once, when so many take so many bytes."""
    row_bytes = size_bytes // max(rows, 1)
    return max(1, min(_MAX_BATCH_ROWS, _BATCH_BYTES // max(row_bytes, 1)))


def check_names(names: Sequence[str], location: str) -> None:
    """Refuse a table with two columns of one name.

    Raises:
        SettingsError: It has.
    """
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise SettingsError(f"{location}: {twice[0]!r} names two columns; rename one of them")


def _to_values(column: pa.Array) -> list[object]:
    """Python's values; one by one when there is one among them that Python cannot hold."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):
        return [_to_value(one) for one in column]
    return values


def _to_value(scalar: pa.Scalar) -> object:
    import pyarrow as pa

    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return Unusable("is not UTF-8; make the table anew")
    except (ValueError, OverflowError, pa.ArrowException) as error:
        return Unusable(f"holds what cannot be read ({error}); correct it")


def _to_vector_values(column: pa.Array) -> Sequence[object]:
    """Views of one array of float32, when all rows are lists of equally many numbers."""
    import pyarrow as pa

    kind = column.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    is_list = is_list or pa.types.is_fixed_size_list(kind)
    if not is_list or column.null_count or not len(column):
        return _to_values(column)
    numbers = column.flatten()
    size, rest = divmod(len(numbers), len(column))
    if rest or not size or numbers.null_count or not _is_number(numbers.type):
        return _to_values(column)
    if not pa.types.is_fixed_size_list(kind) and not _are_all(column.value_lengths(), size):
        return _to_values(column)
    floats = to_float32(numbers.to_numpy(zero_copy_only=False))
    return to_vectors(floats.reshape(len(column), size))


def _are_all(lengths: pa.Array, size: int) -> bool:
    return bool((lengths.to_numpy() == size).all())


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        names = [kind.field(index).name for index in range(kind.num_fields)]
        return "bytes" in names and _is_binary(kind.field("bytes").type)
    if pa.types.is_dictionary(kind):
        return _is_binary(kind.value_type)
    of_bytes = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_binary_view,
    )
    return any(is_of_kind(kind) for is_of_kind in of_bytes)


def _is_spare_vector(field: pa.Field) -> bool:
    import pyarrow as pa

    kind = field.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return field.name.lower() in VECTOR_NAMES and (is_list or pa.types.is_fixed_size_list(kind))
