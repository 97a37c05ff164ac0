from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.decode.files import read_file
from ingest.sources.folder import FolderSource
from ingest.sources.read import read_bytes
from schemas.errors import SourceTooLarge, UnreadableSource
from schemas.records import Record


def only_record(folder: Path) -> Record:
    [record] = FolderSource.open(folder, name="r").iter_records()
    assert isinstance(record, Record)
    return record


def test_the_bytes_come_whole(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a.txt").write_bytes(content)
    record = only_record(tmp_path)
    assert read_bytes(record, 3_000_000) == content
    with pytest.raises(SourceTooLarge, match="3,000,000 bytes, over the limit of 2,999,999"):
        read_bytes(record, 2_999_999)


def test_a_file_that_claims_to_be_empty_is_read_to_its_limit_and_no_further() -> None:
    # The kernel's pseudo files report a size of 0 whatever they hold.
    path = Path("/proc/cpuinfo")
    if not path.exists():
        pytest.skip("this system has no /proc/cpuinfo")
    assert path.stat().st_size == 0
    with pytest.raises(SourceTooLarge):
        read_file(path, "x", max_bytes=10)
    assert len(read_file(path, "x", max_bytes=10_000_000)) > 10


@pytest.mark.parametrize("name", ["café.txt", "new\nline.txt", os.fsdecode(b"\xff\xfe.txt")])
def test_any_name_can_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    assert read_bytes(only_record(tmp_path), 100) == b"content"


def test_a_link_is_followed_below_the_root_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "root_beside.txt").write_bytes(b"secret")
    (root / "sub" / "inside.bin").write_bytes(b"content")
    (root / "link.txt").symlink_to("sub/inside.bin")
    record = only_record(root)
    assert read_bytes(record, 100) == b"content"

    (root / "link.txt").unlink()
    (root / "link.txt").symlink_to(tmp_path / "root_beside.txt")
    with pytest.raises(UnreadableSource, match="out of its root"):
        read_bytes(record, 100)


def test_a_folder_on_the_way_that_became_a_link_out_of_the_root_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "root" / "sub" / "a.txt").write_bytes(b"content")
    record = only_record(tmp_path / "root")
    (tmp_path / "root" / "sub").rename(tmp_path / "elsewhere")
    (tmp_path / "root" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnreadableSource, match="out of its root"):
        read_bytes(record, 100)


def test_a_root_that_is_itself_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_bytes(b"content")
    (tmp_path / "photos").symlink_to("real")
    assert read_bytes(only_record(tmp_path / "photos"), 100) == b"content"


def test_what_is_gone_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    record = only_record(tmp_path)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(UnreadableSource, match="No such file"):
        read_bytes(record, 100)


def test_a_location_that_is_not_its_uris_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    record = replace(only_record(tmp_path), source_uri="folder://r/b.txt")
    with pytest.raises(UnreadableSource, match="not where the URI says"):
        read_bytes(record, 100)


@pytest.mark.parametrize("max_bytes", [100, 0])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, max_bytes: int) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "fifo", tmp_path / "folder", "/dev/zero"):
        with pytest.raises(UnreadableSource, match="not a regular file"):
            read_file(path, "x", max_bytes=max_bytes)


def test_a_path_that_no_system_has_is_unreadable() -> None:
    with pytest.raises(UnreadableSource):
        read_file("a\0b", "x", max_bytes=10)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    (tmp_path / "a.txt").chmod(0)
    with pytest.raises(UnreadableSource, match="Permission denied"):
        read_bytes(only_record(tmp_path), 100)
