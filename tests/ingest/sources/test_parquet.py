"""What only Parquet has: types, row groups, columns of bytes and of vectors."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pytest

from ingest.sources.columns import Columns
from ingest.sources.manifest import ManifestSource
from schemas.errors import SettingsError, SourceError, UnreadableSource
from schemas.records import Modality, Record

pa = pytest.importorskip("pyarrow", reason="Parquet comes with the extra `parquet`")
pq = pytest.importorskip("pyarrow.parquet", reason="likewise")

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


def written(folder: Path, table: Any, **options: object) -> Path:
    path = folder / "t.parquet"
    pq.write_table(table, path, **options)
    return path


def only(path: Path, **columns: str) -> Record:
    (record,) = ManifestSource.open(path, columns=columns).iter_records()
    assert isinstance(record, Record)
    return record


def test_bytes_are_the_content_and_not_metadata(tmp_path: Path) -> None:
    table = pa.table({"image": [PNG], "thumb": [b"x"], "caption": ["A cat."], "id": ["1"]})
    path = written(tmp_path, table)
    assert ManifestSource.open(path).columns == Columns(content="image", caption="caption", id="id")
    assert only(path) == Record(
        source_uri="manifest://t/1",
        root="t",
        location=f"{path}#row=1",
        media_type="image/png",
        modality=Modality.IMAGE,
        size_bytes=8,
        caption="A cat.",
        content=PNG,
    )


def test_a_struct_of_bytes_and_path_is_either(tmp_path: Path) -> None:
    images = [{"bytes": PNG, "path": "x.bin"}, {"bytes": None, "path": "b.jpg"}, None]
    path = written(tmp_path, pa.table({"image": images, "caption": ["a", "b", "c"]}))
    inline, file, caption = ManifestSource.open(path).iter_records()
    assert isinstance(inline, Record)
    assert isinstance(file, Record)
    assert isinstance(caption, Record)
    assert (inline.source_uri, inline.content) == ("manifest://t/row%3D1", PNG)
    assert (file.source_uri, file.location) == ("manifest://t/b.jpg", f"{tmp_path}/b.jpg")
    assert (caption.content, caption.modality) == (b"c", Modality.TEXT)


def test_metadata_of_every_type_is_json(tmp_path: Path) -> None:
    row = {
        "text": "a",
        "int": 3,
        "float": 0.5,
        "nan": float("nan"),
        "bool": True,
        "none": None,
        "date": dt.date(2024, 2, 29),
        "time": dt.time(12, 30),
        "when": dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC),
        "span": dt.timedelta(seconds=90),
        "price": Decimal("1.25"),
        "tags": ["a", "b"],
        "nested": {"x": [1, None, float("inf")], "raw": b"no", "y": {"z": "w"}},
        "raw": b"no",
    }
    columns = {name: pa.array([value]) for name, value in row.items()}
    columns["nanos"] = pa.array([1_700_000_000_000_000_001], pa.timestamp("ns"))
    columns["kind"] = pa.array(["a"]).dictionary_encode()
    columns["map"] = pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))
    columns["ref"] = pa.array([UUID(int=1).bytes], pa.uuid())
    assert only(written(tmp_path, pa.table(columns))).metadata == {
        "int": 3,
        "float": 0.5,
        "bool": True,
        "date": "2024-02-29",
        "time": "12:30:00",
        "when": "2024-02-29T12:00:00+00:00",
        "span": 90.0,
        "price": 1.25,
        "tags": ["a", "b"],
        "nested": {"x": [1, None, None], "y": {"z": "w"}},
        "nanos": "2023-11-14T22:13:20",
        "kind": "a",
        "map": [["k", 1]],
        "ref": "00000000-0000-0000-0000-000000000001",
    }


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float32(), 2),
        pa.large_list(pa.float64()),
        pa.list_(pa.float16()),
        pa.list_(pa.int8(), 2),
    ],
    ids=str,
)
def test_vectors_of_any_list_of_numbers_are_views_of_one_array(kind: Any, tmp_path: Path) -> None:
    whole = np.array([[1, 2], [3, 4], [0, 0], [5, 6]])
    dtype = kind.value_type.to_pandas_dtype()
    column = pa.array(list(whole.astype(dtype)), kind)
    table = pa.table({"id": [1, 2, 3, 4], "text": list("abcd"), "e": column})
    source = ManifestSource.open(written(tmp_path, table), columns={"vector": "e"})
    one, two, zero, four = source.iter_records()
    assert isinstance(zero, SourceError)
    assert "row 3 of t.parquet: column 'e' is no vector" in zero.reason
    vectors = [item.vector for item in (one, two, four) if isinstance(item, Record)]
    assert [np.asarray(vector).tolist() for vector in vectors] == [[1, 2], [3, 4], [5, 6]]
    assert {np.asarray(vector).dtype for vector in vectors} == {np.dtype(np.float32)}
    assert len({id(np.asarray(vector).base) for vector in vectors}) == 1


@pytest.mark.parametrize("size", [-1, 2])
def test_rows_without_a_vector_are_records_without_one(size: int, tmp_path: Path) -> None:
    column = pa.array([None, [1.0, 2.0], [float("nan"), 1.0]], pa.list_(pa.float32(), size))
    table = pa.table({"id": [1, 2, 3], "text": ["a"] * 3, "e": column})
    source = ManifestSource.open(written(tmp_path, table), columns={"vector": "e"})
    without, good, broken = source.iter_records()
    assert isinstance(without, Record)
    assert without.vector is None
    assert isinstance(good, Record)
    assert np.asarray(good.vector).tolist() == [1.0, 2.0]
    assert isinstance(broken, SourceError)


def test_vectors_of_several_lengths_are_errors_but_for_the_first(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2, 3], "text": ["a"] * 3, "e": [[1.0], [1.0, 2.0], [3.0]]})
    source = ManifestSource.open(written(tmp_path, table), columns={"vector": "e"})
    _, error, last = source.iter_records()
    assert isinstance(error, SourceError)
    assert "a vector of 2 numbers where the first one of the table has 1" in error.reason
    assert isinstance(last, Record)


def test_unasked_vectors_are_not_even_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, pa.table({"id": [1], "text": ["a"], "Embedding": [[1.0, 2.0]]}))
    with caplog.at_level(logging.WARNING):
        assert only(path).metadata == {}
    assert "--column vector=Embedding" in caplog.text


def test_a_uuid_is_an_id(tmp_path: Path) -> None:
    ids = pa.array([UUID(int=7).bytes], pa.uuid())
    path = written(tmp_path, pa.table({"uuid": ids, "text": ["a"]}))
    assert only(path).source_uri == "manifest://t/00000000-0000-0000-0000-000000000007"


def test_words_that_are_no_utf8_cost_their_row(tmp_path: Path) -> None:
    ends = pa.py_buffer(np.array([0, 1, 2, 3], np.int32))
    broken = pa.StringArray.from_buffers(3, ends, pa.py_buffer(b"a\xffc"))
    path = written(tmp_path, pa.table({"id": [1, 2, 3], "text": broken}))
    first, error, last = ManifestSource.open(path).iter_records()
    assert isinstance(first, Record)
    assert isinstance(error, SourceError)
    assert "row 2 of t.parquet: column 'text' is not UTF-8" in error.reason
    assert isinstance(last, Record)


def test_a_date_that_no_calendar_holds_costs_its_row(tmp_path: Path) -> None:
    when = pa.array([0, 2**62, 1], pa.timestamp("us"))
    path = written(tmp_path, pa.table({"id": [1, 2, 3], "text": ["a"] * 3, "when": when}))
    first, error, last = ManifestSource.open(path).iter_records()
    assert isinstance(first, Record)
    assert first.metadata == {"when": "1970-01-01T00:00:00"}
    assert isinstance(error, SourceError)
    assert "row 2 of t.parquet: column 'when' holds what cannot be read" in error.reason
    assert isinstance(last, Record)


def test_a_row_group_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    table = pa.table({"id": list(range(30)), "text": [f"text {n}" * 50 for n in range(30)]})
    path = written(tmp_path, table, row_group_size=10, use_dictionary=False, compression="zstd")
    group = pq.ParquetFile(path).metadata.row_group(1).column(1)
    content = bytearray(path.read_bytes())
    start = group.data_page_offset
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    items = list(ManifestSource.open(path).iter_records())
    errors = [one for one in items if isinstance(one, SourceError)]
    assert [one.source_uri for one in items if isinstance(one, Record)] == [
        f"manifest://t/{n}" for n in (*range(10), *range(20, 30))
    ]
    assert len(errors) == 1
    assert errors[0].reason.startswith("row 11 of t.parquet: and all up to row 20 cannot be read (")


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    for content in (b"", b"PAR1", b"x" * 1_000):
        path.write_bytes(content)
        with pytest.raises(SettingsError, match="not a Parquet file"):
            ManifestSource.open(path)


def test_rows_are_read_a_few_megabytes_at_a_time(tmp_path: Path) -> None:
    table = pa.table({"image": [PNG + bytes([n]) * 1_000_000 for n in range(64)]})
    path = written(tmp_path, table, use_dictionary=False, compression="none", write_batch_size=1)
    before = pa.total_allocated_bytes()
    peak = 0
    for _ in ManifestSource.open(path).iter_records():
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert peak < 32_000_000


def test_a_path_out_of_a_base_that_is_a_url_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"path": ["a/b.jpg", "../c.jpg", "/d.jpg"]}))
    source = ManifestSource.open(path, base="s3://bucket/photos/")
    good, up, absolute = source.iter_records()
    assert good.source_uri == "manifest://t/a/b.jpg"
    assert isinstance(good, Record)
    assert good.location == "s3://bucket/photos/a/b.jpg"
    assert isinstance(up, UnreadableSource)
    assert isinstance(absolute, UnreadableSource)
