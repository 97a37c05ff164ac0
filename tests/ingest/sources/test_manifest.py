from __future__ import annotations

import csv
import gzip
import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from ingest.sources.columns import Columns
from ingest.sources.manifest import ManifestSource
from schemas.errors import SettingsError, SourceError, UnreadableSource
from schemas.records import Modality, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PAIRS = (
    {"image": "photos/a b.jpg", "caption": "A cat.", "title": "Cat", "place": "Rome"},
    {"image": "photos/é.png", "caption": "A dog.", "title": None, "place": "Athens"},
)


def write_jsonl(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_csv(path: Path, rows: Sequence[Mapping[str, object]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    arrow = pytest.importorskip("pyarrow", reason="Parquet comes with the extra `parquet`")
    parquet = pytest.importorskip("pyarrow.parquet", reason="likewise")
    parquet.write_table(arrow.Table.from_pylist(list(rows)), path)
    return path


WRITERS = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}


def listed(source: ManifestSource) -> list[Record]:
    items = list(source.iter_records())
    assert [item for item in items if isinstance(item, SourceError)] == []
    return [item for item in items if isinstance(item, Record)]


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("extension", WRITERS)
def test_pairs_are_records_with_a_caption_whatever_the_format(
    extension: str, tmp_path: Path
) -> None:
    source = ManifestSource.open(WRITERS[extension](tmp_path / f"pets.{extension}", PAIRS))
    assert source.columns == Columns(path="image", caption="caption", title="title")
    assert (source.name, source.location) == ("pets", str(tmp_path / f"pets.{extension}"))
    assert listed(source) == [
        Record(
            source_uri="manifest://pets/photos/a%20b.jpg",
            root="pets",
            location=str(tmp_path / "photos" / "a b.jpg"),
            media_type="image/jpeg",
            modality=Modality.IMAGE,
            metadata={"place": "Rome"},
            title="Cat",
            caption="A cat.",
        ),
        Record(
            source_uri="manifest://pets/photos/%C3%A9.png",
            root="pets",
            location=str(tmp_path / "photos" / "é.png"),
            media_type="image/png",
            modality=Modality.IMAGE,
            metadata={"place": "Athens"},
            caption="A dog.",
        ),
    ]


@pytest.mark.parametrize("extension", WRITERS)
def test_texts_hold_their_own_content(extension: str, tmp_path: Path) -> None:
    rows = [{"id": "n/1", "body": "Größe", "headline": "Size"}]
    path = WRITERS[extension](tmp_path / f"news.{extension}", rows)
    assert listed(ManifestSource.open(path, name="n")) == [
        Record(
            source_uri="manifest://n/n/1",
            root="n",
            location=f"{path}#row=1",
            media_type="text/plain",
            modality=Modality.TEXT,
            size_bytes=7,
            title="Size",
            content="Größe".encode(),
        )
    ]


@pytest.mark.parametrize(
    ("row", "uri"),
    [
        ({"id": "a/b c", "path": "x.jpg"}, "manifest://t/a/b%20c"),
        ({"id": 17, "path": "x.jpg"}, "manifest://t/17"),
        ({"id": "../x?#%", "path": "x.jpg"}, "manifest://t/../x%3F%23%25"),
        ({"path": "日/x.jpg"}, "manifest://t/%E6%97%A5/x.jpg"),
        ({"path": " x .jpg"}, "manifest://t/%20x%20.jpg"),
        ({"url": "https://h/a.jpg?b=1"}, "manifest://t/https%3A//h/a.jpg%3Fb%3D1"),
        ({"path": "s3://b/k.jpg"}, "manifest://t/s3%3A//b/k.jpg"),
        ({"text": "words"}, "manifest://t/row%3D1"),
    ],
)
def test_source_uris_stay_as_they_are(row: dict[str, object], uri: str, tmp_path: Path) -> None:
    (record,) = listed(ManifestSource.open(write_jsonl(tmp_path / "t.jsonl", [row])))
    assert record.source_uri == uri


def test_an_absolute_path_below_the_base_is_known_without_it(tmp_path: Path) -> None:
    row = {"path": str(tmp_path / "sub" / "a.jpg")}
    (record,) = listed(ManifestSource.open(write_jsonl(tmp_path / "t.jsonl", [row])))
    assert record.source_uri == "manifest://t/sub/a.jpg"
    assert record.location == row["path"]


def test_rows_without_an_id_are_known_by_number_and_said_to_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = ManifestSource.open(
        write_jsonl(tmp_path / "t.jsonl", [{"text": "same"}, {"text": "same"}])
    )
    with caplog.at_level(logging.WARNING):
        uris = [record.source_uri for record in listed(source)]
    assert uris == ["manifest://t/row%3D1", "manifest://t/row%3D2"]
    assert len(caplog.records) == 1
    assert "--column id=NAME" in caplog.text


def test_a_text_stands_in_for_the_caption_of_an_image(tmp_path: Path) -> None:
    rows = [
        {"path": "a.jpg", "text": "both", "caption": "shown"},
        {"path": "b.jpg", "text": "alone"},
    ]
    both, alone = listed(ManifestSource.open(write_jsonl(tmp_path / "t.jsonl", rows)))
    assert (both.caption, both.metadata) == ("shown", {"text": "both"})
    assert (alone.caption, alone.metadata) == ("alone", {})


def test_a_caption_of_a_text_becomes_its_title_or_metadata(tmp_path: Path) -> None:
    rows = [
        {"text": "long", "caption": "short"},
        {"text": "long", "caption": "short", "title": "Title"},
        {"text": "long", "caption": "x" * 301},
        {"caption": "alone"},
        {"path": "a.pdf", "text": "abstract"},
    ]
    records = listed(ManifestSource.open(write_jsonl(tmp_path / "t.jsonl", rows)))
    assert [(one.title, one.caption, one.metadata, one.content) for one in records] == [
        ("short", None, {}, b"long"),
        ("Title", None, {"caption": "short"}, b"long"),
        (None, None, {"caption": "x" * 301}, b"long"),
        (None, None, {}, b"alone"),
        (None, None, {"text": "abstract"}, None),
    ]


def test_a_title_is_one_line_and_not_too_long(tmp_path: Path) -> None:
    rows = [{"path": f"{n}.jpg", "title": title} for n, title in enumerate(TITLES)]
    titles = [
        one.title for one in listed(ManifestSource.open(write_jsonl(tmp_path / "t.jsonl", rows)))
    ]
    assert titles == ["two lines", "x" * 300, "Größe", None]


TITLES = ("two\nlines", "x" * 400, "Gro\u0308ße", "\x00")


def test_several_captions_are_lines_of_one(tmp_path: Path) -> None:
    row = {"path": "a.jpg", "captions": ["one", "two"]}
    (record,) = listed(ManifestSource.open(write_jsonl(tmp_path / "t.jsonl", [row])))
    assert record.caption == "one\ntwo"


def test_a_mapping_names_columns_with_other_names(tmp_path: Path) -> None:
    rows = [{"datei": "a.jpg", "satz": "Worte", "id": "1"}]
    source = ManifestSource.open(
        write_jsonl(tmp_path / "t.jsonl", rows),
        columns={"path": "datei", "caption": "satz", "id": ""},
    )
    (record,) = listed(source)
    assert (record.source_uri, record.caption) == ("manifest://t/a.jpg", "Worte")
    assert record.metadata == {"id": "1"}
    with pytest.raises(SettingsError, match="no such column; columns: datei, satz, id"):
        ManifestSource.open(source.path, columns={"path": "file"})


@pytest.mark.parametrize(("delimiter", "name"), [(";", "t.csv"), ("\t", "t.tsv"), ("\t", "t.csv")])
def test_csv_is_divided_as_its_header_is(delimiter: str, name: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / name, [{"path": "a.jpg", "caption": "a, b; c"}], delimiter)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    (record,) = listed(ManifestSource.open(path))
    assert (record.source_uri, record.caption) == ("manifest://t/a.jpg", "a, b; c")


def test_a_packed_table_is_read_as_it_is(tmp_path: Path) -> None:
    plain = write_jsonl(tmp_path / "pets.jsonl", PAIRS)
    packed = tmp_path / "pets.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert listed(ManifestSource.open(packed)) == listed(ManifestSource.open(plain))


def test_a_base_is_where_paths_begin(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "photos").mkdir(parents=True)
    (tmp_path / "elsewhere" / "photos" / "a b.jpg").write_bytes(jpeg())
    path = write_jsonl(tmp_path / "pets.jsonl", PAIRS[:1])
    source = ManifestSource.open(path, base=tmp_path / "elsewhere")
    (record,) = listed(source)
    assert record.source_uri == "manifest://pets/photos/a%20b.jpg"
    assert source.read(record, 10_000) == jpeg()


def test_a_file_that_is_not_there_may_want_another_base(tmp_path: Path) -> None:
    source = ManifestSource.open(write_jsonl(tmp_path / "t.jsonl", [{"path": "cat.png"}]))
    (record,) = source.iter_records()
    assert isinstance(record, Record)
    with pytest.raises(UnreadableSource, match=r"cannot be found .* with --base"):
        source.read(record, 1_000)


def test_what_leads_out_of_the_base_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "base" / "link.txt").symlink_to(tmp_path / "secret.txt")
    rows = [{"path": "../secret.txt"}, {"path": "link.txt"}, {"path": str(tmp_path / "secret.txt")}]
    source = ManifestSource.open(write_jsonl(tmp_path / "base" / "t.jsonl", rows))
    for record in listed(source):
        with pytest.raises(UnreadableSource, match="out of its root"):
            source.read(record, 100)


def test_files_beside_a_document_are_read_below_the_base_only(tmp_path: Path) -> None:
    (tmp_path / "base" / "docs").mkdir(parents=True)
    (tmp_path / "base" / "cat.jpg").write_bytes(jpeg())
    (tmp_path / "outside.jpg").write_bytes(jpeg())
    rows: list[dict[str, object]] = [
        {"path": "docs/a.md"},
        {"path": None, "text": "inline", "id": "x"},
    ]
    path = write_jsonl(tmp_path / "base" / "t.jsonl", rows)
    document, inline = listed(ManifestSource.open(path, columns={"id": ""}))
    source = ManifestSource.open(path)
    assert source.read_beside(document, "../cat.jpg", 10_000) == jpeg()
    assert source.read(inline, 1) == b"inline"
    for record, reference in ((document, "../../outside.jpg"), (inline, "cat.jpg")):
        with pytest.raises(UnreadableSource):
            source.read_beside(record, reference, 10_000)


def test_another_table_under_the_name_is_a_rival_while_it_exists(tmp_path: Path) -> None:
    for place in ("old", "new"):
        (tmp_path / place).mkdir()
        write_jsonl(tmp_path / place / "t.jsonl", [{"text": "inline"}, {"path": "a.jpg"}])
    before = listed(ManifestSource.open(tmp_path / "old" / "t.jsonl"))
    source = ManifestSource.open(tmp_path / "new" / "t.jsonl")
    rivals = [source.find_rival(one.source_uri, one.location) for one in before]
    assert rivals == [str(tmp_path / "old" / "t.jsonl"), str(tmp_path / "old")]
    (tmp_path / "old").rename(tmp_path / "gone")
    assert [source.find_rival(one.source_uri, one.location) for one in before] == [None, None]
    own = listed(source)
    assert [source.find_rival(one.source_uri, one.location) for one in own] == [None, None]


def test_the_first_record_of_a_long_table_comes_before_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f'{{"path": "{number:07}.jpg"}}\n' for number in range(1_000_000))
    rows = ManifestSource.open(path).iter_records()
    assert next(rows).source_uri == "manifest://long/0000000.jpg"
    path.write_bytes(b"")  # what is behind the first buffer is never seen
    assert sum(1 for _ in rows) < 10_000
