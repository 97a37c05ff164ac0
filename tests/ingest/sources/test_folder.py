from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.folder import FolderSource
from ingest.sources.ignore import IGNORE_FILE
from ingest.sources.uris import from_source_uri
from schemas.errors import SettingsError, SourceError, UnreadableSource
from schemas.records import Modality, Record

if TYPE_CHECKING:
    from collections.abc import Iterator


ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems refuse such names or such long paths"
)


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def listed(source: FolderSource) -> list[str]:
    return [from_source_uri(item.source_uri)[1] for item in source.iter_records()]


def test_records_say_what_lies_where(tmp_path: Path) -> None:
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    (tmp_path / "photos" / "sub" / "A b.JPG").write_bytes(b"12345")
    os.utime(tmp_path / "photos" / "sub" / "A b.JPG", ns=(1, 1_600_000_000_123_456_789))
    fill(tmp_path / "photos", "note.md")

    note, photo = FolderSource.open(tmp_path / "photos").iter_records()

    assert isinstance(note, Record)
    assert (note.modality, note.media_type) == (Modality.TEXT, "text/markdown")
    assert photo == Record(
        source_uri="folder://photos/sub/A%20b.JPG",
        root="photos",
        location=str(tmp_path / "photos" / "sub" / "A b.JPG"),
        media_type="image/jpeg",
        modality=Modality.IMAGE,
        size_bytes=5,
        modified_ns=1_600_000_000_123_456_789,
    )


def test_the_same_tree_elsewhere_has_the_same_uris(tmp_path: Path) -> None:
    for place in ("here", "there/deeper"):
        fill(tmp_path / place / "photos", "a.jpg", "b/c.txt")
    here, there = (
        [item.source_uri for item in FolderSource.open(tmp_path / place / "photos").iter_records()]
        for place in ("here", "there/deeper")
    )
    assert here == there == ["folder://photos/a.jpg", "folder://photos/b/c.txt"]


def test_the_order_is_that_of_the_paths_bytes(tmp_path: Path) -> None:
    names = ["a/z.txt", "a.txt", "a-b.txt", "B.txt", "b.txt", "é.txt", "a/b/c.txt", "z/a.txt"]
    fill(tmp_path, *names)
    assert listed(FolderSource.open(tmp_path)) == sorted(names, key=os.fsencode)


@ON_LINUX
@settings(max_examples=30, deadline=None)
@given(names=st.sets(st.binary(min_size=1, max_size=12), max_size=8))
def test_every_name_of_any_bytes_is_listed_once(
    tmp_path_factory: pytest.TempPathFactory, names: set[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    usable = {
        name + b".txt" for name in names if not {b"\0", b"/"} & {bytes([b]) for b in name}
    } - {b"..txt"}
    for name in usable:
        (folder / os.fsdecode(name)).write_text("x")
    source = FolderSource.open(folder, name="any", hidden=True)
    assert [os.fsencode(path) for path in listed(source)] == sorted(usable)


def test_unsupported_kinds_are_counted_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", "b.ODT", "c.odt", "Makefile", ".hidden.txt", ".git/a.txt")
    skipped: Counter[str] = Counter()
    source = FolderSource.open(tmp_path)
    assert [item.source_uri[-6:] for item in source.iter_records(skipped)] == ["/a.txt"]
    assert skipped == {".odt": 2, "(no extension)": 1}
    everything = FolderSource.open(tmp_path, hidden=True)
    assert listed(everything) == [".git/a.txt", ".hidden.txt", "a.txt"]


def test_include_and_exclude_patterns(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "a.txt", "raw/b.jpg", "raw/keep/c.jpg", "other/d.jpg")
    assert listed(FolderSource.open(tmp_path, include=["*.jpg"], exclude=["/raw/keep/"])) == [
        "a.jpg",
        "other/d.jpg",
        "raw/b.jpg",
    ]
    assert listed(FolderSource.open(tmp_path, include=["raw/"])) == ["raw/b.jpg", "raw/keep/c.jpg"]


def test_ignore_files_hold_below_their_folder_and_deeper_ones_overrule(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", "b.txt", "sub/a.txt", "sub/b.txt", "sub/deep/a.txt", "build/c.txt")
    (tmp_path / IGNORE_FILE).write_text("# a comment\na.txt\nbuild/\n")
    (tmp_path / "sub" / IGNORE_FILE).write_text("!a.txt\n/b.txt\n")
    assert listed(FolderSource.open(tmp_path, hidden=True)) == [
        "b.txt",
        "sub/a.txt",
        "sub/deep/a.txt",
    ]


def test_an_exclude_pattern_overrules_an_ignore_file(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", "b.txt")
    (tmp_path / IGNORE_FILE).write_text("!a.txt\n")
    assert listed(FolderSource.open(tmp_path, exclude=["a.txt"])) == ["b.txt"]


def test_a_folder_whose_ignore_file_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    fill(tmp_path, "a/private.txt", "b/public.txt")
    os.mkfifo(tmp_path / "a" / IGNORE_FILE)
    broken, public = FolderSource.open(tmp_path, name="r").iter_records()
    assert isinstance(broken, UnreadableSource)
    assert broken.source_uri == "folder://r/a/"
    assert IGNORE_FILE in broken.reason
    assert public.source_uri == "folder://r/b/public.txt"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_is_one_error(tmp_path: Path) -> None:
    fill(tmp_path, "a/private.txt", "b/public.txt")
    (tmp_path / "a").chmod(0)
    try:
        broken, public = FolderSource.open(tmp_path, name="r").iter_records()
    finally:
        (tmp_path / "a").chmod(0o700)
    assert isinstance(broken, UnreadableSource)
    assert public.source_uri == "folder://r/b/public.txt"


def test_a_folder_that_vanishes_during_the_walk_is_one_error(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", "b/c.txt", "d.txt")
    records = FolderSource.open(tmp_path, name="r").iter_records()
    assert next(records).source_uri == "folder://r/a.txt"
    (tmp_path / "b" / "c.txt").unlink()
    (tmp_path / "b").rmdir()
    gone, last = records
    assert isinstance(gone, SourceError)
    assert gone.source_uri == "folder://r/b/"
    assert last.source_uri == "folder://r/d.txt"


def test_a_root_that_vanishes_is_one_error_that_stands_for_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    source = FolderSource.open(tmp_path / "photos")
    (tmp_path / "photos").rmdir()
    [gone] = source.iter_records()
    assert isinstance(gone, SourceError)
    assert gone.source_uri == "folder://photos/"


def test_links_to_folders_are_not_entered_and_links_to_files_are_listed(tmp_path: Path) -> None:
    fill(tmp_path, "real/a.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.txt").symlink_to("real/a.txt")
    (tmp_path / "dangling.txt").symlink_to("nowhere")
    (tmp_path / "itself.txt").symlink_to("itself.txt")
    (tmp_path / "folder.txt").symlink_to("real")
    source = FolderSource.open(tmp_path)
    assert listed(source) == ["dangling.txt", "itself.txt", "link.txt", "real/a.txt"]
    skipped: Counter[str] = Counter()
    list(source.iter_records(skipped))
    assert skipped == {"(link to a folder)": 2}


def test_listing_is_lazy_and_opens_no_listed_file(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{i:03}/a.txt" for i in range(300)))
    (tmp_path / "000" / "a.txt").unlink()
    os.mkfifo(tmp_path / "000" / "a.txt")  # opening it would wait for ever
    assert len(list(islice(FolderSource.open(tmp_path).iter_records(), 2))) == 2


@pytest.fixture
def deep_folder(tmp_path: Path) -> Iterator[Path]:
    """1,500 folders in each other and a file in the last."""
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1_500):
            Path("d").mkdir()
            os.chdir("d")
        Path("a.txt").write_text("x")
        os.chdir(here)
        yield tmp_path
    finally:
        os.chdir(here)
        # Python's own removal is recursive, and pytest's clean-up would fail on these.
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


@ON_LINUX
def test_a_path_of_a_thousand_folders_is_walked(deep_folder: Path) -> None:
    assert [type(item) for item in FolderSource.open(deep_folder).iter_records()] == [Record]


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Holiday 2024", "Holiday 2024"), ("a:b*c", "a_b_c"), ("Été", "Été"), ("x" * 150, "x" * 100)],
)
def test_a_root_is_named_after_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir()
    assert FolderSource.open(tmp_path / folder).name == name


def test_a_relative_path_is_made_absolute_and_a_linked_root_keeps_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "real/a.txt")
    (tmp_path / "photos").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    source = FolderSource.open("photos/")
    assert (source.name, source.path) == ("photos", tmp_path / "photos")
    assert listed(source) == ["a.txt"]
    monkeypatch.chdir(tmp_path / "real")
    assert FolderSource.open(".").name == "real"


@pytest.mark.parametrize("name", ["a/b", "a\nb", " a", "x" * 101, "\udcff", "a:b"])
def test_a_name_that_cannot_stand_in_a_uri_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name a root"):
        FolderSource.open(tmp_path, name=name)


def test_what_is_no_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    fill(tmp_path, "file.txt")
    with pytest.raises(SettingsError, match="does not exist: give the folder"):
        FolderSource.open(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="is one file: give its folder"):
        FolderSource.open(tmp_path / "file.txt")


def test_a_malformed_pattern_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mend the pattern"):
        FolderSource.open(tmp_path, exclude=["a", "!"])
