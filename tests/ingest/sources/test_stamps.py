"""Stamps: equal in two listings only where nothing of an item has changed."""

from __future__ import annotations

import json
import os
import time
from dataclasses import FrozenInstanceError, fields, replace
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import stamps, walk
from ingest.sources.folder import FolderSource
from ingest.sources.listing import to_stamp
from ingest.sources.manifest import ManifestSource
from ingest.sources.remote import RemoteSource
from ingest.sources.stamps import to_file_stamp
from ingest.sources.uris import from_source_uri, quote_path, to_source_uri
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingest.sources.source import Source

SECOND_NS = 1_000_000_000


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock of listings some seconds ahead of the true one, by which files change."""

    def set_ahead(seconds: float) -> None:
        def ahead_ns() -> int:
            return time.time_ns() + int(seconds * SECOND_NS)

        monkeypatch.setattr(walk, "time_ns", ahead_ns)
        monkeypatch.setattr(stamps, "time_ns", ahead_ns)

    set_ahead(3600)
    return set_ahead


def stamped(source: Source) -> dict[str, str | None]:
    records = [item for item in source.iter_records() if isinstance(item, Record)]
    return {from_source_uri(record.source_uri)[1]: record.stamp for record in records}


def to_status(size: int = 5, **fields: int) -> Any:
    """A status as the system gives it, of a regular file, with some fields set."""
    real = {"st_size": size, "st_mode": 0o100644, "st_ino": 7, "st_mtime_ns": 0, "st_ctime_ns": 0}
    return type("Status", (), {**real, **fields})()


@pytest.mark.usefixtures("look")
def test_the_stamp_of_a_file_is_its_size_times_and_inode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    status = path.stat()
    assert stamped(FolderSource.open(tmp_path)) == {
        "a.txt": f"5:1600000000123456789:{status.st_ctime_ns}:{status.st_ino}"
    }


def test_a_file_that_was_just_changed_has_no_stamp_yet(
    tmp_path: Path, look: Callable[[float], None]
) -> None:
    (tmp_path / "a.txt").write_text("x")
    source = FolderSource.open(tmp_path)
    for seconds, has_stamp in ((0, False), (-1.5, False), (60, True), (-60, True)):
        look(seconds)
        assert (stamped(source)["a.txt"] is not None) is has_stamp, seconds
    # Its content may have been put there at another time than the one it is given.
    os.utime(tmp_path / "a.txt", ns=(1, 1))
    look(0)
    assert stamped(source) == {"a.txt": None}
    os.utime(tmp_path / "a.txt", ns=(1, time.time_ns() + 3600 * SECOND_NS))
    look(3600)
    assert stamped(source) == {"a.txt": None}


@pytest.mark.parametrize("field", ["st_mtime_ns", "st_ctime_ns"])
def test_two_seconds_around_the_question_and_the_answer_are_too_near(field: str) -> None:
    begun, ended, near = 100 * SECOND_NS, 130 * SECOND_NS, 2 * SECOND_NS
    for moment in (begun - near, begun, 115 * SECOND_NS, ended, ended + near):
        assert to_file_stamp(to_status(**{field: moment}), begun, ended) is None
    for moment in (0, begun - near - 1, ended + near + 1):
        assert to_file_stamp(to_status(**{field: moment}), begun, ended) is not None


@pytest.mark.usefixtures("look")
def test_an_edit_that_keeps_size_and_modification_time_changes_the_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    source, status = FolderSource.open(tmp_path), path.stat()
    [before] = stamped(source).values()
    time.sleep(0.02)  # the clock of the file system ticks every few milliseconds
    path.write_text("new")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    [after] = stamped(source).values()
    assert before is not None
    assert after is not None
    assert [one for one, other in zip(before.split(":"), after.split(":"), strict=True)
            if one != other] == [str(status.st_ctime_ns)]  # fmt: skip


@pytest.mark.usefixtures("look")
def test_a_file_that_takes_anothers_place_changes_the_stamp(tmp_path: Path) -> None:
    path, other = tmp_path / "a.txt", tmp_path / "new"
    for one, text in ((path, "old"), (other, "new")):
        one.write_text(text)
        os.utime(one, ns=(1, 1))
    source = FolderSource.open(tmp_path)
    before, inode = stamped(source)["a.txt"], other.stat().st_ino
    other.replace(path)
    after = stamped(source)["a.txt"]
    assert after != before
    assert after is not None
    assert after.endswith(f":{inode}")


@pytest.mark.usefixtures("look")
def test_moving_the_root_keeps_the_stamps(tmp_path: Path) -> None:
    (tmp_path / "here" / "sub").mkdir(parents=True)
    (tmp_path / "here" / "sub" / "a.txt").write_text("x")
    before = stamped(FolderSource.open(tmp_path / "here", name="r"))
    (tmp_path / "here").rename(tmp_path / "there")
    after = stamped(FolderSource.open(tmp_path / "there", name="r"))
    assert after == before
    assert None not in after.values()


@pytest.mark.usefixtures("look")
def test_a_links_stamp_is_that_of_its_target_and_what_is_no_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.txt").symlink_to("a.txt")
    (tmp_path / "c.txt").symlink_to("nowhere")
    (tmp_path / "d.txt").symlink_to("d.txt")
    os.mkfifo(tmp_path / "e.txt")
    found = stamped(FolderSource.open(tmp_path))
    assert found["a.txt"] == found["b.txt"] is not None
    assert (found["c.txt"], found["d.txt"], found["e.txt"]) == (None, None, None)


NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: not {0, 47} & set(name))


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_a_uri_may_be_put_together_from_its_quoted_parts(names: list[bytes]) -> None:
    parts = [os.fsdecode(name) for name in names]
    quoted = "".join(quote_path(f"{part}/") for part in parts[:-1]) + quote_path(parts[-1])
    assert to_source_uri("r s", "") + quoted == to_source_uri("r s", "/".join(parts))


@given(st.from_regex(walk._PLAIN, fullmatch=True))
def test_what_is_taken_for_plain_is_not_quoted(name: str) -> None:
    assert quote_path(name) == name


def test_a_record_of_a_file_is_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    [record] = FolderSource.open(tmp_path, name="r").iter_records()
    assert type(record) is Record
    stated = {one.name: getattr(record, one.name) for one in fields(Record)}
    assert Record(**stated) == replace(record) == record
    assert (record.metadata, record.title, record.caption) == ({}, None, None)
    with pytest.raises(FrozenInstanceError):
        record.title = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("found", "stamp"),
    [
        ({"ETag": '"9a0364b9-2"', "LastModified": "x"}, '"9a0364b9-2":5:17'),
        ({"generation": "1712", "etag": "CJ=", "md5Hash": "1B2M"}, "1712:5:17"),
        ({"etag": "0x8D4BCC2E4835CD0"}, "0x8D4BCC2E4835CD0:5:17"),
        ({"sha": "e69de29b"}, "e69de29b:5:17"),
        ({"etag": 'W/"5-17"'}, None),
        ({"ETag": "", "etag": None}, None),
        ({"mtime": 1_600_000_000.123456}, None),
    ],
)
def test_a_remote_stamp_needs_a_version_of_the_content(
    found: dict[str, object], stamp: str | None
) -> None:
    assert to_stamp(found, 5, 17) == stamp


def test_a_file_system_that_lists_sizes_and_times_alone_gives_no_stamp() -> None:
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe_file("/stamps/a.txt", b"x")
    try:
        assert stamped(RemoteSource.open("memory://stamps")) == {"a.txt": None}
    finally:
        filesystem.rm("/stamps", recursive=True)


ROW: dict[str, object] = {"id": "1", "path": "a.png", "title": "T", "caption": "C", "year": 1999}


def write_rows(folder: Path, *rows: dict[str, object]) -> ManifestSource:
    (folder / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    columns = {"vector": "vector"} if any("vector" in row for row in rows) else {}
    return ManifestSource.open(folder / "t.jsonl", columns=columns)


def test_the_stamp_of_a_row_is_that_of_its_file_and_of_what_it_says(
    tmp_path: Path, look: Callable[[float], None]
) -> None:
    (tmp_path / "a.png").write_bytes(b"12345")
    status = (tmp_path / "a.png").stat()
    [stamp] = stamped(write_rows(tmp_path, ROW)).values()
    assert stamp is not None
    of_file, _, digest = stamp.rpartition(":")
    assert of_file == f"5:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    assert len(digest) == 32
    assert stamped(write_rows(tmp_path, dict(reversed(ROW.items()))))["1"] == stamp
    look(0)
    assert stamped(write_rows(tmp_path, ROW)) == {"1": None}


@pytest.mark.usefixtures("look")
@pytest.mark.parametrize(
    "change",
    [
        {"title": "U"},
        {"caption": "D"},
        {"caption": None},
        {"year": "1999"},
        {"year": 1999.0},
        {"new": None, "year": 2000},
        {"media_type": "image/jpeg"},
        {"vector": [1, 2.5]},
        {"vector": [1, 2.25]},
        {"path": "b.png"},
    ],
)
def test_whatever_a_row_says_changes_its_stamp(tmp_path: Path, change: dict[str, object]) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"12345")
        os.utime(tmp_path / name, ns=(1, 1))
    given_before = {**ROW, "vector": [1, 2]} if "vector" in change else ROW
    before = stamped(write_rows(tmp_path, given_before))
    after = stamped(write_rows(tmp_path, {**given_before, **change}))
    assert before["1"] != after["1"]
    assert None not in (before["1"], after["1"])


@pytest.mark.usefixtures("look")
def test_a_table_that_is_moved_with_its_files_keeps_its_stamps(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.png").write_bytes(b"12345")
    other: dict[str, object] = {"id": "0", "text": "words"}
    before = stamped(write_rows(tmp_path / "here", ROW))
    (tmp_path / "here").rename(tmp_path / "there")
    assert stamped(write_rows(tmp_path / "there", other, ROW)) == {**before, "0": None}


@pytest.mark.usefixtures("look")
def test_rows_without_a_file_of_this_machine_have_no_stamp(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": "url", "path": "https://example.org/a.png"},
        {"id": "object", "path": "s3://bucket/a.png"},
        {"id": "text", "text": "words"},
        {"id": "data", "path": "data:image/png;base64,iVBORw0KGgo="},
        {"id": "gone", "path": "nowhere.png"},
        {"id": "nul", "path": "a\0.png"},
        {"id": "folder", "path": "f.png"},
    ]
    (tmp_path / "f.png").mkdir()
    assert stamped(write_rows(tmp_path, *rows)) == dict.fromkeys(
        (str(row["id"]) for row in rows), None
    )
