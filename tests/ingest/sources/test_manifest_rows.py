"""Rows that cannot become records cost themselves and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.sources import text_tables
from ingest.sources.manifest import ManifestSource
from schemas.errors import (
    DecodeError,
    SettingsError,
    SourceError,
    UnreadableSource,
    UnsupportedFormat,
)
from schemas.records import Record

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


def lines(folder: Path, *rows: object, name: str = "t.jsonl") -> Path:
    path = folder / name
    encoded = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    path.write_bytes(b"\n".join(encoded) + b"\n")
    return path


def told(source: ManifestSource) -> list[str]:
    """The last part of each record's URI, or an error's reason."""
    return [
        item.source_uri.rpartition("/")[2] if isinstance(item, Record) else item.reason
        for item in source.iter_records()
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"path": "b.jpg"', "is no JSON (Expecting ',' delimiter)"),
        (b'["b.jpg"]', "is no JSON object"),
        (b'{"path": "\xff.jpg"}', "is not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"path": "b.jpg", "n": ' + b"9" * 5_000 + b"}", "a number too long"),
        (b'{"path": "b.jpg", "n": ' + b"[" * 40 + b"]" * 40 + b"}", "nested more than 32 deep"),
        (b'{"path": 1}', "column 'path' holds a int where a path or URL is expected"),
        (b'{"path": ["b.jpg"]}', "column 'path' holds a list"),
        (b'{"path": "b.jpg", "caption": {"en": "x"}}', "column 'caption' holds a dict"),
        (b'{"path": "b.jpg", "caption": true}', "column 'caption' holds a bool"),
        (b'{"path": ""}', "nothing to index"),
        (b'{"path": null, "caption": "  "}', "nothing to index"),
        (b'{"path": "b.exe"}', "no extension of a supported format"),
        (b'{"path": "data:image/png;base64,"}', "data: URI is malformed"),
        (b'{"path": "data:video/mp4;base64,aaaa"}', "'video/mp4' is no supported media type"),
        (b'{"path": "b.jpg", "n": ["' + b"x" * 10**6 + b'"]}', "over the limit of 1,000,000"),
        (b'{"path": "b.jpg", "caption": "' + b"x" * 1_000_001 + b'"}', "1,000,001 characters"),
        (b'{"path": "a.jpg"}', "its id 'a.jpg' is an earlier row's too"),
        (b'{"path": "' + b"b" * 3_000 + b'"}', "its id has more than 2000 characters"),
    ],
)
def test_a_hostile_line_is_one_error_that_names_its_row(
    line: bytes, problem: str, tmp_path: Path
) -> None:
    source = ManifestSource.open(
        lines(tmp_path, {"path": "a.jpg", "caption": "x"}, line, {"path": "c.jpg"})
    )
    first, error, last = source.iter_records()
    assert (first.source_uri, last.source_uri) == ("manifest://t/a.jpg", "manifest://t/c.jpg")
    assert isinstance(error, SourceError)
    assert error.reason.startswith("row 2 of t.jsonl: ")
    assert problem in error.reason
    assert len(error.reason) < 400


def test_a_line_without_end_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tables, "MAX_ROW_BYTES", 1_000)
    path = lines(tmp_path, {"path": "a.jpg"}, b'{"path": "' + b"x" * 5_000, {"path": "c.jpg"})
    first, error, last = told(ManifestSource.open(path))
    assert (first, last) == ("a.jpg", "c.jpg")
    assert "row 2 of t.jsonl: has more than" in error


def test_empty_lines_count_as_lines_and_are_no_rows(tmp_path: Path) -> None:
    path = lines(tmp_path, b"", {"path": "a.jpg"}, b"  ", b"?")
    assert told(ManifestSource.open(path))[0] == "a.jpg"
    assert told(ManifestSource.open(path))[1].startswith("row 4 of t.jsonl: is no JSON")


def test_halves_of_characters_and_numbers_beyond_json_are_replaced(tmp_path: Path) -> None:
    line = b'{"id": "1", "text": "\\ud83d\\ude00 \\ud800", "a": NaN, "b": [Infinity, 1e999], "c": '
    path = lines(tmp_path, line + b"9" * 30 + b"}")
    (record,) = ManifestSource.open(path).iter_records()
    assert isinstance(record, Record)
    assert record.content == "😀 \ufffd".encode()
    assert record.metadata == {"b": [None, None], "c": "9" * 30}


def test_a_row_without_an_id_where_others_have_one_is_an_error(tmp_path: Path) -> None:
    source = ManifestSource.open(lines(tmp_path, {"id": "1", "text": "a"}, {"text": "b"}))
    assert told(source)[1] == "row 2 of t.jsonl: column 'id' has no id for it; fill it in"


def test_rows_of_csv_that_do_not_fit_the_header_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b'path,caption\na.jpg,x\nb.jpg\n\nc.jpg,"x"y\nd.jpg,\xff\ne.jpg,"two\nlines"\n'
    )
    assert told(ManifestSource.open(path)) == [
        "a.jpg",
        "row 2 of t.csv: has 1 cells where the header has 2; check its quotes",
        "row 3 of t.csv: is no CSV (',' expected after '\"'); check its quotes and mend it",
        "row 4 of t.csv: is not UTF-8; save the table as UTF-8",
        "e.jpg",
    ]


def test_a_quote_without_end_costs_its_own_row_and_what_it_swallows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text('path,caption\na.jpg,"x\n' + "b.jpg,y\n" * 3)
    (error,) = told(ManifestSource.open(path))
    assert "row 1 of t.csv: is no CSV (unexpected end of data)" in error
    monkeypatch.setattr(text_tables, "MAX_ROW_BYTES", 20)
    path.write_text("path,caption\n" + "a.jpg," + "x" * 40 + "\nb.jpg,y\n")
    error, last = told(ManifestSource.open(path))
    assert "row 1 of t.csv" in error
    assert last == "b.jpg"


def test_a_packed_table_that_breaks_off_says_so_in_place_of_the_rest(tmp_path: Path) -> None:
    rows = b"".join(b'{"path": "%d.jpg"}\n' % number for number in range(50_000))
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress(rows)[:-1_000])
    *records, error = ManifestSource.open(path).iter_records()
    assert all(isinstance(one, Record) for one in records)
    assert isinstance(error, UnreadableSource)
    assert error.source_uri == "manifest://t/"
    assert "breaks off" in error.reason


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.txt", b"", "is no table by its name"),
        ("t.parquet.gz", b"", "is no table by its name"),
        ("t.csv", b"a,a\n1,2\n", "'a' names two columns"),
        ("t.csv", b"\xff,a\n", "its header is not UTF-8"),
        ("t.csv", b'"a"b,c\n', "cannot be read"),
        ("t.jsonl.gz", b"no gzip", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_at_once(
    name: str, content: bytes, problem: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=problem):
        ManifestSource.open(tmp_path / name)


def test_a_table_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    for name in ("t.csv", "none.jsonl", "bad\0.jsonl"):
        with pytest.raises(SettingsError):
            ManifestSource.open(tmp_path / name)


def test_an_empty_table_has_no_records(tmp_path: Path) -> None:
    for name in ("t.jsonl", "t.csv"):
        (tmp_path / name).write_bytes(b"")
        source = ManifestSource.open(tmp_path / name, columns={"path": "file"})
        assert list(source.iter_records()) == []


def test_bytes_stand_in_text_as_base64(tmp_path: Path) -> None:
    encoded = base64.b64encode(PNG).decode()
    rows = [
        {"raw": encoded, "id": 1},
        {"raw": f"data:image/png;base64,{encoded}", "id": 2},
        {"raw": "not base64!", "id": 3},
        {"raw": base64.b64encode(b"MZ").decode(), "id": 4},
    ]
    source = ManifestSource.open(lines(tmp_path, *rows), columns={"content": "raw"})
    plain, uri, broken, unknown = source.iter_records()
    assert isinstance(plain, Record)
    assert isinstance(uri, Record)
    assert plain.content == uri.content == PNG
    assert plain.location == f"{tmp_path}/t.jsonl#row=1"
    assert (plain.media_type, plain.size_bytes) == ("image/png", len(PNG))
    assert isinstance(broken, DecodeError)
    assert "row 3 of t.jsonl: column 'raw' is no base64" in broken.reason
    assert isinstance(unknown, UnsupportedFormat)


def test_a_media_type_says_what_neither_bytes_nor_name_do(tmp_path: Path) -> None:
    rows = [
        {"file": "a", "mime": "image/jpeg"},
        {"file": "b", "mime": "Text/HTML; charset=utf-8"},
        {"file": "c", "mime": "video/mp4"},
        {"file": "d", "mime": None, "caption": "a picture, then"},
        {"file": "https://h/image?n=1", "mime": None, "caption": "likewise"},
    ]
    found = list(ManifestSource.open(lines(tmp_path, *rows)).iter_records())
    types = [one.media_type if isinstance(one, Record) else one.kind for one in found]
    assert types == ["image/jpeg", "text/html", "UnsupportedFormat", "image/*", "image/*"]


def test_vectors_are_rows_of_float32_and_checked(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": 1, "text": "a", "emb": [1, 0.5]},
        {"id": 2, "text": "a", "emb": None},
        *({"id": 3 + n, "text": "a", "emb": bad} for n, bad in enumerate(BAD_VECTORS)),
        {"id": 99, "text": "a", "emb": "[0.25, 3]"},
    ]
    source = ManifestSource.open(lines(tmp_path, *rows), columns={"vector": "emb"})
    good, without, *bad, last = source.iter_records()
    assert isinstance(good, Record)
    assert isinstance(without, Record)
    assert isinstance(last, Record)
    vector = np.asarray(good.vector)
    assert (vector.dtype.name, vector.tolist()) == ("float32", [1.0, 0.5])
    assert (without.vector, good.metadata) == (None, {})
    assert np.asarray(last.vector).tolist() == [0.25, 3.0]
    assert [one.kind for one in bad if isinstance(one, SourceError)] == ["DecodeError"] * len(bad)


BAD_VECTORS: list[object] = [
    [1],
    [1, 2, 3],
    [0, 0],
    [1, float("nan")],
    [1, 1e300],
    [1, "2"],
    [True, False],
    [[1, 2]],
    [[1], [1, 2]],
    [1, 10**40],
    [],
    1,
    "[1,",
    {"a": 1},
]


def test_unasked_vectors_are_left_out_and_said_to_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = lines(tmp_path, {"id": 1, "text": "a", "embedding": [1, 2], "vector": "a word"})
    (record,) = ManifestSource.open(path).iter_records()
    assert isinstance(record, Record)
    assert (record.vector, record.metadata) == (None, {"vector": "a word"})
    assert "--column vector=" in caplog.text


class StandInWeb:
    """Answers what a reader of URLs is asked; the real one has its own tests."""

    def read(self, url: str, source_uri: str, max_bytes: int, options: object = None) -> bytes:
        assert not options
        return f"{url} {source_uri} {max_bytes}".encode()


def test_urls_are_read_through_the_reader_of_urls_and_only_so(tmp_path: Path) -> None:
    path = lines(tmp_path, {"url": "https://h.org/a.jpg"}, {"url": "http://h.org/b.jpg"})
    source = ManifestSource.open(path, web=StandInWeb())
    secure, plain = source.iter_records()
    assert isinstance(secure, Record)
    assert isinstance(plain, Record)
    expected = b"https://h.org/a.jpg manifest://t/https%3A//h.org/a.jpg 9"
    assert source.read(secure, 9) == expected
    with pytest.raises(UnreadableSource, match="https only"):
        source.read(plain, 9)
    with pytest.raises(UnreadableSource, match=r"--allow-host h\.org"):
        ManifestSource.open(path).read(secure, 9)


def test_objects_of_remote_stores_are_read_through_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = ModuleType("ingest.sources.remote")
    remote.__dict__["read_remote"] = StandInWeb().read
    monkeypatch.setitem(sys.modules, "ingest.sources.remote", remote)
    source = ManifestSource.open(lines(tmp_path, {"path": "s3://b/k.jpg"}))
    (record,) = source.iter_records()
    assert isinstance(record, Record)
    assert source.read(record, 9) == b"s3://b/k.jpg manifest://t/s3%3A//b/k.jpg 9"
