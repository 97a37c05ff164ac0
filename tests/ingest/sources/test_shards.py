from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.shard_names import expand_braces
from ingest.sources.shards import ShardSource
from ingest.sources.tar_stream import MAX_HEADER_BYTES
from schemas.errors import SettingsError, SourceError, SourceTooLarge, UnreadableSource
from schemas.records import Modality, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Members = list[tuple[str, bytes]]


def pack(path: Path, members: Iterable[tuple[str, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mtime = 1_600_000_000
            tar.addfile(member, io.BytesIO(content))
    return path


def listed(path: Path | str, **options: object) -> list[Record | SourceError]:
    return list(ShardSource.open(path, name="s", **options).iter_records())  # type: ignore[arg-type]


def shown(items: Iterable[Record | SourceError]) -> list[object]:
    return [
        item.source_uri if isinstance(item, Record) else (type(item), item.source_uri)
        for item in items
    ]


def test_a_sample_becomes_a_record_with_its_caption_and_metadata(tmp_path: Path) -> None:
    fields = {"caption": " A cat ", "title": "Cat", "id": 7, "width": 640, "exif": {"f": [1.5]}}
    pack(
        tmp_path / "train-000.tar",
        [
            ("a/0001.JPG", b"jpeg"),
            ("a/0001.txt", b"\xef\xbb\xbfA cat\r\non a mat\n"),
            ("a/0001.json", json.dumps(fields).encode()),
            ("0002.png", b"png"),
            ("0002.json", json.dumps(fields).encode()),
        ],
    )
    first, second = ShardSource.open(tmp_path / "train-000.tar").iter_records()
    assert first == Record(
        source_uri="shard://train-000/train-000.tar/a/0001.JPG",
        root="train-000",
        location=f"{tmp_path}/train-000.tar#a/0001.JPG",
        media_type="image/jpeg",
        modality=Modality.IMAGE,
        size_bytes=4,
        modified_ns=1_600_000_000_000_000_000,
        metadata={"caption": " A cat ", "id": 7, "width": 640, "exif": {"f": [1.5]}},
        title="Cat",
        caption="A cat\non a mat",
        content=b"jpeg",
    )
    assert isinstance(second, Record)
    assert (second.caption, second.title) == ("A cat", "Cat")
    assert second.metadata == {"id": 7, "width": 640, "exif": {"f": [1.5]}}


def test_a_sample_may_hold_several_images_and_documents(tmp_path: Path) -> None:
    shard = pack(
        tmp_path / "s.tar",
        [("a.jpg", b"1"), ("a.mask.png", b"2"), ("a.caption", b"both"), ("a.pdf", b"%PDF-")],
    )
    records = listed(shard)
    assert shown(records) == [
        f"shard://s/s.tar/a{ending}" for ending in (".jpg", ".mask.png", ".pdf")
    ]
    assert [record.caption for record in records if isinstance(record, Record)] == ["both"] * 2 + [
        None
    ]


def test_a_text_without_an_image_is_a_document(tmp_path: Path) -> None:
    [record] = listed(pack(tmp_path / "s.tar", [("a.txt", b"words"), ("a.json", b'{"n": 1}')]))
    assert isinstance(record, Record)
    assert (record.modality, record.content, record.caption) == (Modality.TEXT, b"words", None)
    assert record.metadata == {"n": 1}


def test_hidden_and_unsupported_members_and_what_is_no_file(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for name in ("._a.jpg", ".DS_Store", ".git/a.jpg", "./b/", "a.cls", "noext", "./a.jpg"):
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO())
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo("link.jpg")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    skipped: Counter[str] = Counter()
    records = ShardSource.open(tmp_path / "s.tar", name="s").iter_records(skipped)
    assert shown(records) == ["shard://s/s.tar/a.jpg"]
    assert skipped == {".cls": 1, "(no extension)": 1, "(no regular file)": 4}


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_odd_names(tmp_path: Path, format_: int) -> None:
    names = ["d" * 150 + "/" + "n" * 150 + ".jpg", "é ü#?.jpg", "/etc/x.jpg", "../../up.jpg"]
    names.append(os.fsdecode(b"\xff.jpg"))
    with tarfile.open(tmp_path / "s.tar", "w", format=format_) as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    found = [
        item.location.partition("#")[2]
        for item in listed(tmp_path / "s.tar")
        if isinstance(item, Record)
    ]
    assert found == names
    assert not list(tmp_path.glob("**/*.jpg"))


def test_patterns_choose_members(tmp_path: Path) -> None:
    pack(tmp_path / "s.tar", [("a/1.jpg", b""), ("a/1.txt", b"x"), ("b/1.jpg", b"")])
    assert len(listed(tmp_path / "s.tar", include=["*.jpg", "*.txt"], exclude=["b/"])) == 1
    with pytest.raises(SettingsError, match="include or exclude"):
        listed(tmp_path / "s.tar", include=["!"])


def test_a_key_or_a_name_that_comes_twice_is_an_error(tmp_path: Path) -> None:
    members: Members = [("a.jpg", b"1"), ("a.jpg", b"2"), ("b.jpg", b"3"), ("a.jpg", b"4")]
    twice, first, other, again = listed(pack(tmp_path / "s.tar", members))
    assert isinstance(first, Record)
    assert first.content == b"1"
    assert isinstance(other, Record)
    for error in (twice, again):
        assert isinstance(error, UnreadableSource)
        assert "comes twice" in error.reason


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    pack(
        tmp_path / "s.tar",
        [("a.jpg", bytes(100_000_000)), ("b.jpg", b"1"), ("b.json", b" " * 1_000_001)],
    )
    tracemalloc.start()
    items = listed(tmp_path / "s.tar", max_bytes=1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert shown(items) == [
        (SourceTooLarge, "shard://s/s.tar/a.jpg"),
        (SourceTooLarge, "shard://s/s.tar/b.json"),
        "shard://s/s.tar/b.jpg",
    ]


def test_a_sample_without_end_is_cut(tmp_path: Path) -> None:
    pack(tmp_path / "s.tar", [(f"a.{n}.jpg", b"12345") for n in range(10)])
    items = listed(tmp_path / "s.tar", max_bytes=5)
    assert [isinstance(item, SourceTooLarge) for item in items] == [True] * 6 + [False] * 4


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"[" * 100_000, b'{"a":' + b"[" * 50 + b"]" * 50 + b"}", b"\xff"]
)
def test_metadata_that_is_none_costs_itself_alone(tmp_path: Path, content: bytes) -> None:
    error, record = listed(pack(tmp_path / "s.tar", [("a.jpg", b"1"), ("a.json", content)]))
    assert isinstance(error, UnreadableSource)
    assert error.source_uri == "shard://s/s.tar/a.json"
    assert isinstance(record, Record)


def test_metadata_holds_nothing_that_a_store_does_not(tmp_path: Path) -> None:
    content = (
        rb'{"a": NaN, "b": 1e999, "c": 99999999999999999999, "d": "\ud800", "e": [true, null]}'
    )
    [record] = listed(pack(tmp_path / "s.tar", [("a.jpg", b"1"), ("a.json", content)]))
    assert isinstance(record, Record)
    assert record.metadata == {
        "a": None, "b": None, "c": "99999999999999999999", "d": "?", "e": [True, None]
    }  # fmt: skip


SAMPLES: Members = [(f"{n}.jpg", bytes([n]) * 3000) for n in range(5)]


def damage_cut(content: bytes) -> bytes:
    return content[:10_500]


def damage_header(content: bytes) -> bytes:
    return content[: 3 * 3584] + b"?" * 512 + content[3 * 3584 + 512 :]


def damage_hole(content: bytes) -> bytes:
    return content[: 3 * 3584] + bytes(512) + content[3 * 3584 + 512 :]


@pytest.mark.parametrize("damage", [damage_cut, damage_header, damage_hole])
def test_a_damaged_shard_is_an_error_after_the_last_whole_sample(
    tmp_path: Path, damage: object
) -> None:
    pack(tmp_path / "s-0.tar", SAMPLES)
    (tmp_path / "s-0.tar").write_bytes(damage((tmp_path / "s-0.tar").read_bytes()))  # type: ignore[operator]
    pack(tmp_path / "s-1.tar", SAMPLES[:1])
    *before, error, after = listed(tmp_path / "s-{0..1}.tar")
    assert isinstance(error, UnreadableSource)
    assert error.source_uri == "shard://s/s-0.tar/"
    last = len(before) - 1
    assert last in {1, 2}
    assert f"after sample {last} " in error.reason
    assert shown([after]) == ["shard://s/s-1.tar/0.jpg"]


def test_damaged_gzip_is_an_error_of_its_shard(tmp_path: Path) -> None:
    content = gzip.compress(pack(tmp_path / "plain.tar", SAMPLES).read_bytes())
    broken = {
        "a.tar.gz": content[:-20],
        "b.tar.gz": content[:60] + b"\0\0\0" + content[63:],
        "c.tar.gz": content[:-8] + bytes(8),
        "d.tar.gz": b"no tar at all",
        "e.tar.gz": b"",
        "f.tar.gz": pack(tmp_path / "plain.tar", SAMPLES).read_bytes() * 2,
    }
    for name, bytes_ in broken.items():
        (tmp_path / name).write_bytes(bytes_)
    pack(tmp_path / "z.tar.gz", SAMPLES, "w:gz")
    items = listed(tmp_path / "*.tar.gz")
    errors = [item.source_uri for item in items if isinstance(item, UnreadableSource)]
    assert errors == [f"shard://s/{name}/" for name in broken]
    assert [item for item in shown(items) if "/z.tar.gz/" in str(item)] == [
        f"shard://s/z.tar.gz/{n}.jpg" for n in range(5)
    ]


@pytest.mark.parametrize("type_", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_a_header_without_end_is_not_read_into_memory(tmp_path: Path, type_: bytes) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = type_, 300_000_000
    with gzip.open(tmp_path / "s.tar.gz", "wb", compresslevel=1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(300):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    [error] = listed(tmp_path / "s.tar.gz")
    assert tracemalloc.get_traced_memory()[1] < 5 * MAX_HEADER_BYTES
    tracemalloc.stop()
    assert isinstance(error, UnreadableSource)
    assert "header" in error.reason


def test_a_member_that_claims_more_than_there_is_does_not_keep_us(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x.jpg")
    header.size = 8**20
    (tmp_path / "s.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(5000))
    items = listed(tmp_path / "s.tar")
    assert [type(item) for item in items] == [SourceTooLarge, UnreadableSource]


def test_headers_nested_in_headers_are_an_error(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1
    block = header.tobuf(tarfile.GNU_FORMAT) + b"n".ljust(512, b"\0")
    (tmp_path / "s.tar").write_bytes(block * 5000 + bytes(10_240))
    [error] = listed(tmp_path / "s.tar")
    assert isinstance(error, UnreadableSource)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a{0..2}.tar", ["a0.tar", "a1.tar", "a2.tar"]),
        ("a{08..10}", ["a08", "a09", "a10"]),
        ("{a,b}-{1..2}", ["a-1", "a-2", "b-1", "b-2"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{x}", ["{x}"]),
        ("plain", ["plain"]),
    ],
)
def test_braces(pattern: str, names: list[str]) -> None:
    assert expand_braces(pattern) == names


def test_braces_that_stand_for_too_much() -> None:
    for pattern in ("{0..99999999999}", "{0..99999}{0..99999}"):
        with pytest.raises(SettingsError, match="1,000,000"):
            expand_braces(pattern)


def test_shards_that_are_not_there(tmp_path: Path) -> None:
    pack(tmp_path / "s-0.tar", SAMPLES[:1])
    os.mkfifo(tmp_path / "s-2.tar")
    for spec in ("none.tar", "none-{0..3}.tar", "none-*.tar", "."):
        with pytest.raises(SettingsError, match="no such shards"):
            ShardSource.open(tmp_path / spec)
    record, missing, fifo = listed(tmp_path / "s-{0..2}.tar")
    assert isinstance(record, Record)
    for error in (missing, fifo):
        assert isinstance(error, UnreadableSource)


def test_names_of_roots_and_shards(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        pack(tmp_path / "photos" / folder / "00000.tar", SAMPLES[:1])
    source = ShardSource.open(tmp_path / "photos" / "*" / "*.tar")
    assert shown(source.iter_records()) == [
        "shard://photos/x/00000.tar/0.jpg",
        "shard://photos/y/00000.tar/0.jpg",
    ]
    assert ShardSource.open(tmp_path / "photos" / "x" / "{00000..00009}.tar").name == "x"


def test_a_rival_is_the_same_shard_elsewhere(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        pack(tmp_path / folder / "s.tar", [("a/b#c.jpg", b"1")])
    here, there = (ShardSource.open(tmp_path / folder / "s.tar") for folder in ("here", "there"))
    [record] = there.iter_records()
    assert isinstance(record, Record)
    assert here.find_rival(record.source_uri, record.location) == str(tmp_path / "there" / "s.tar")
    assert there.find_rival(record.source_uri, record.location) is None
    (tmp_path / "there" / "s.tar").unlink()
    assert here.find_rival(record.source_uri, record.location) is None
    with pytest.raises(UnreadableSource, match="list the shard again"):
        here.read(record, 9)
    with pytest.raises(UnreadableSource, match="out of a shard"):
        here.read_beside(record, "a.jpg", 9)


def test_shards_on_a_remote_file_system(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    for n in range(3):
        pack(tmp_path / "s.tar", [(f"{n}.jpg", b"1")], "w:gz" if n else "w")
        memory.pipe_file(f"/shards/a-{n}.tar", (tmp_path / "s.tar").read_bytes())
    expected = [f"shard://a/a-{n}.tar/{n}.jpg" for n in range(3)]
    for spec in ("memory://shards/a-{0..2}.tar", "memory://shards/a-*.tar"):
        source = ShardSource.open(spec)
        assert shown(source.iter_records()) == expected
    [record, missing] = ShardSource.open("memory://shards/a-{2..3}.tar").iter_records()
    assert isinstance(record, Record)
    assert record.location == "memory://shards/a-2.tar#2.jpg"
    assert isinstance(missing, UnreadableSource)
    with pytest.raises(SettingsError, match="no such shards"):
        ShardSource.open("memory://shards/b-*.tar")


KEYS = st.text("abc/é_ -", min_size=1, max_size=8).filter(
    lambda key: not key.endswith("/") and all(part.strip() for part in key.split("/"))
)
EXTENSIONS = st.sampled_from([".jpg", ".PNG", ".txt", ".caption", ".pdf", ".seg.png"])


@settings(max_examples=60, deadline=None)
@given(
    samples=st.dictionaries(
        KEYS, st.dictionaries(EXTENSIONS, st.binary(max_size=600), min_size=1), max_size=6
    ),
    format_=st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    mode=st.sampled_from(["w", "w:gz"]),
)
def test_whatever_was_packed_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    samples: Mapping[str, Mapping[str, bytes]],
    format_: int,
    mode: str,
) -> None:
    path = tmp_path_factory.mktemp("any") / "s.tar"
    with tarfile.open(path, mode, format=format_) as tar:  # type: ignore[call-overload]
        for key, parts in samples.items():
            for ending, content in parts.items():
                member = tarfile.TarInfo(key + ending)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    expected = []
    for key, parts in samples.items():
        has_image = any(ending.lower().endswith(("jpg", "png")) for ending in parts)
        expected += [
            (key + ending, content)
            for ending, content in parts.items()
            if ending != ".caption" and not (ending == ".txt" and has_image)
        ]
    found = [
        (item.location.partition("#")[2], item.content)
        for item in listed(path)
        if isinstance(item, Record)
    ]
    assert found == expected
