from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources import listing
from ingest.sources.outages import Trouble, to_trouble
from ingest.sources.remote import RemoteSource, read_remote
from ingest.sources.uris import from_source_uri
from schemas.errors import (
    SettingsError,
    SourceError,
    SourceTooLarge,
    SourceUnavailable,
    UnreadableSource,
)
from schemas.records import Modality, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


NAMES = ["a b.jpg", "a#b?c.jpg", "a%20b.jpg", "a+b&c=d.jpg", "é.jpg", "日本.txt", "..hidden.txt"]
KEYS = sorted(
    [f"in/{n:02d}.jpg" for n in range(12)] + [f"in/sub/{n}.txt" for n in range(11)]
    + [f"in/odd/{name}" for name in NAMES],
    key=str.encode,
)  # fmt: skip
OUTSIDE = ["in-between.jpg", "inside.jpg", "out/x.jpg"]


class Bucket:
    """A bucket on a real server that speaks S3, on loopback."""

    def __init__(self) -> None:
        import boto3
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="k",
            aws_secret_access_key="s",  # noqa: S106 - of a server that asks for none
            region_name="us-east-1",
        )
        self.client.create_bucket(Bucket="photos")
        for key in [*KEYS, *OUTSIDE]:
            self.put(key, key.encode())

    @property
    def options(self) -> dict[str, object]:
        retries = {"retries": {"max_attempts": 0}, "connect_timeout": 2}
        return {"endpoint_url": self.url, "key": "k", "secret": "s", "config_kwargs": retries}

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket="photos", Key=key, Body=content)

    def stop(self) -> None:
        self.client.close()
        self._server.stop()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    pytest.importorskip("s3fs", reason="comes with the extra s3")
    pytest.importorskip("moto", reason="the server of these tests; comes with the extra dev")
    bucket = Bucket()
    yield bucket
    bucket.stop()


@pytest.fixture
def memory() -> Iterator[Any]:
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def records(source: RemoteSource, skipped: Counter[str] | None = None) -> list[Record]:
    found = list(source.iter_records(skipped))
    assert all(isinstance(item, Record) for item in found), found
    return [item for item in found if isinstance(item, Record)]


def keys(source: RemoteSource) -> list[str]:
    return [from_source_uri(item.source_uri)[1] for item in source.iter_records()]


def test_records_say_what_lies_in_a_bucket(bucket: Bucket) -> None:
    source = RemoteSource.open("s3://photos/in/", options=bucket.options, hidden=True)
    found = records(source)
    assert [f"in/{from_source_uri(record.source_uri)[1]}" for record in found] == KEYS
    odd = next(record for record in found if "%23" in record.source_uri)
    assert odd == Record(
        source_uri="remote://in/odd/a%23b%3Fc.jpg",
        root="in",
        location="s3://photos/in/odd/a#b?c.jpg",
        media_type="image/jpeg",
        modality=Modality.IMAGE,
        size_bytes=len("in/odd/a#b?c.jpg"),
        modified_ns=odd.modified_ns,
    )
    assert odd.modified_ns is not None
    assert len(keys(RemoteSource.open("s3://photos/in", options=bucket.options))) == len(KEYS) - 1


def test_an_object_that_is_written_anew_has_another_stamp(bucket: Bucket) -> None:
    source = RemoteSource.open("s3://photos/stamps", options=bucket.options)
    contents = (b"old", b"new", b"old")
    seen = []
    for content in contents:
        bucket.put("stamps/a.txt", content)
        [record] = records(source)
        [again] = records(source)
        assert record.stamp is not None
        assert record.stamp == again.stamp
        version, _, rest = record.stamp.partition(":")
        assert rest == f"3:{record.modified_ns}"
        seen.append(version)
    assert seen == [f'"{md5(content, usedforsecurity=False).hexdigest()}"' for content in contents]
    bucket.client.delete_object(Bucket="photos", Key="stamps/a.txt")


def test_objects_are_read_by_several_threads(bucket: Bucket) -> None:
    source = RemoteSource.open("s3://photos/in", options=bucket.options, hidden=True)
    found = records(source)
    with ThreadPoolExecutor(8) as pool:
        contents = list(pool.map(lambda record: source.read(record, 1000), found))
    assert [content.decode() for content in contents] == KEYS


def test_pages_are_asked_for_as_they_are_needed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_KEYS", 7)
    source = RemoteSource.open("s3://photos", options=bucket.options, hidden=True)
    asked = []
    call = source.place.filesystem.call_s3

    def count(*arguments: object, **request: object) -> object:
        asked.append(arguments)
        return call(*arguments, **request)

    monkeypatch.setattr(source.place.filesystem, "call_s3", count, raising=False)
    listed = source.iter_records()
    next(listed)
    assert len(asked) == 1
    assert 1 + len(list(listed)) == len(KEYS) + len(OUTSIDE) == 33
    assert len(asked) == 5
    assert keys(source) == sorted([*KEYS, *OUTSIDE], key=str.encode)


def test_the_limit_holds_before_and_while_reading(bucket: Bucket) -> None:
    [record] = records(RemoteSource.open("s3://photos/out", options=bucket.options))
    source = RemoteSource.open("s3://photos/out", options=bucket.options)
    assert source.read(record, 9) == b"out/x.jpg"
    with pytest.raises(SourceTooLarge, match="9 bytes, over the limit of 8"):
        source.read(record, 8)
    with pytest.raises(SourceTooLarge, match="more bytes, over the limit of 8"):
        source.read(replace(record, size_bytes=0), 8)


def test_an_empty_object_is_empty(bucket: Bucket) -> None:
    bucket.put("empty/e.txt", b"")
    bucket.put("empty/", b"")  # as consoles make folders
    source = RemoteSource.open("s3://photos/empty", options=bucket.options)
    [record] = records(source)
    assert source.read(record, 10) == b""


def test_what_is_missing_or_forbidden(bucket: Bucket) -> None:
    bucket.put("gone/x.jpg", b"x")
    source = RemoteSource.open("s3://photos/gone", options=bucket.options)
    [record] = records(source)
    bucket.client.delete_object(Bucket="photos", Key="gone/x.jpg")
    with pytest.raises(UnreadableSource, match="cannot be found"):
        source.read(record, 10)
    with pytest.raises(SettingsError, match="nothing lies there"):
        keys(source)
    with pytest.raises(SettingsError, match="is not there"):
        keys(RemoteSource.open("s3://nobodys", options=bucket.options))


def test_without_credentials_it_is_a_settings_error(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    options = {"endpoint_url": bucket.url, "skip_instance_cache": True}
    with pytest.raises(SettingsError, match="Unable to locate credentials"):
        keys(RemoteSource.open("s3://photos", options=options))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert len(keys(RemoteSource.open("s3://photos/in", options=options))) == len(KEYS) - 1


def test_a_server_that_stops_is_an_outage_and_no_error_of_an_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("s3fs", reason="comes with the extra s3")
    pytest.importorskip("moto", reason="the server of these tests; comes with the extra dev")
    monkeypatch.setattr(listing, "PAGE_KEYS", 10)
    bucket = Bucket()
    source = RemoteSource.open("s3://photos/in", options=bucket.options)
    listed = source.iter_records()
    first = next(listed)
    bucket.stop()
    assert isinstance(first, Record)
    with pytest.raises(SourceUnavailable, match="does not answer"):
        source.read(first, 100)
    with pytest.raises(SourceUnavailable, match="does not answer"):
        list(listed)


def test_single_objects(bucket: Bucket) -> None:
    uri = "manifest://m/1"
    read: Callable[[str], bytes] = lambda url: read_remote(url, uri, 100, bucket.options)  # noqa: E731
    assert read("s3://photos/in/odd/a#b?c.jpg") == b"in/odd/a#b?c.jpg"
    for url in ("s3://photos/none.jpg", "s3://nobodys/x.jpg", "s3://photos/a?versionId=1"):
        with pytest.raises(UnreadableSource):
            read(url)
    for url in ("file:///etc/passwd", "/etc/passwd", "sftp://h/x", "http://h/x", "s3://photos"):
        with pytest.raises(UnreadableSource, match="no object of a bucket"):
            read(url)


def test_a_folder_of_any_file_system_in_the_same_order_as_a_bucket(memory: Any) -> None:
    for key in ["b/z.txt", "b.txt", "b-c.txt", "B.txt", "é.txt", "b/a/c.jpg", ".h/x.txt", "c.xyz"]:
        memory.pipe_file(f"/root/{key}", b"12345")
    memory.pipe_file("/rootless/x.txt", b"")
    skipped: Counter[str] = Counter()
    source = RemoteSource.open("memory://root", name="m")
    found = records(source, skipped)
    assert [record.location.removeprefix("memory://root/") for record in found] == [
        "B.txt", "b-c.txt", "b.txt", "b/a/c.jpg", "b/z.txt", "é.txt",
    ]  # fmt: skip
    assert skipped == {".xyz": 1}
    assert found[0].size_bytes == 5
    assert found[0].modified_ns is not None
    assert source.read(found[0], 5) == b"12345"
    with pytest.raises(SourceTooLarge):
        source.read(replace(found[0], size_bytes=0), 4)


def test_a_file_system_that_takes_one_call_at_a_time_gets_one(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(8):
        memory.pipe_file(f"/r/{n}.txt", b"x")
    source = RemoteSource.open("memory://r")
    found = records(source)
    filesystem = source.place.filesystem
    cat_file, taken = filesystem.cat_file, threading.Lock()

    def take(*arguments: object, **options: object) -> object:
        assert taken.acquire(blocking=False), "two at once"
        time.sleep(0.005)
        taken.release()
        return cat_file(*arguments, **options)

    monkeypatch.setattr(filesystem, "cat_file", take)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda record: source.read(record, 9), found)) == {b"x"}


@settings(max_examples=40, deadline=None)
@given(
    paths=st.sets(
        st.lists(st.text("ab-é .", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)
    )
)
def test_what_is_listed_is_what_is_there_in_order(paths: set[str]) -> None:
    memory = fsspec.filesystem("memory")
    usable = {
        f"{path}.txt"
        for path in paths
        if not {"", ".", ".."} & {p.strip() for p in path.split("/")}
    }
    # A file cannot be a folder as well.
    usable = {p for p in usable if not any(other.startswith(f"{p}/") for other in usable)}
    try:
        memory.pipe_file("/any/zz.txt", b"")
        for path in usable:
            memory.pipe_file(f"/any/{path}", b"x")
        source = RemoteSource.open("memory://any", hidden=True)
        assert keys(source) == sorted(usable | {"zz.txt"}, key=str.encode)
    finally:
        memory.store.clear()
        memory.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("place", ["memory", "s3"])
def test_patterns_hold_as_in_a_folder(place: str, memory: Any, request: Any) -> None:
    names = ["a.jpg", "a.txt", "raw/b.jpg", "raw/keep/c.jpg", "other/d.jpg", "other/.h/e.jpg"]
    options: Mapping[str, object] = {}
    if place == "s3":
        bucket = request.getfixturevalue("bucket")
        options = bucket.options
        for name in names:
            bucket.put(f"patterns/{name}", b"x")
    else:
        for name in names:
            memory.pipe_file(f"/photos/patterns/{name}", b"x")

    def listed(**patterns: object) -> list[str]:
        url = f"{place}://photos/patterns"
        return keys(RemoteSource.open(url, options=options, **patterns))  # type: ignore[arg-type]

    assert listed(include=["*.jpg"], exclude=["/raw/keep/"]) == [
        "a.jpg", "other/d.jpg", "raw/b.jpg",
    ]  # fmt: skip
    assert listed(include=["raw/"]) == ["raw/b.jpg", "raw/keep/c.jpg"]
    assert listed(exclude=["raw/", "!raw/b.jpg"]) == ["a.jpg", "a.txt", "other/d.jpg"]
    assert "other/.h/e.jpg" in listed(hidden=True)


def test_what_a_document_names_lies_below_the_prefix(memory: Any) -> None:
    for path in ("/docs/in/a/page.md", "/docs/in/pic 1.jpg", "/docs/secret.jpg"):
        memory.pipe_file(path, path.encode())
    source = RemoteSource.open("memory://docs/in")
    page = records(source)[0]
    assert source.read_beside(page, "../pic%201.jpg?x#y", 100) == b"/docs/in/pic 1.jpg"
    outside = ["../../secret.jpg", "/docs/secret.jpg", "..", "memory://docs/secret.jpg", "none.jpg"]
    for reference in [*outside, "../..%2fsecret.jpg", "a/../../../secret.jpg"]:
        with pytest.raises(UnreadableSource):
            source.read_beside(page, reference, 100)


def test_a_rival_is_another_prefix_that_is_there(memory: Any) -> None:
    for path in ("/old/photos/a.jpg", "/new/photos/a.jpg"):
        memory.pipe_file(path, b"x")
    old, new = (RemoteSource.open(f"memory://{place}/photos") for place in ("old", "new"))
    [record] = records(old)
    assert new.find_rival(record.source_uri, record.location) == "memory://old/photos"
    assert old.find_rival(record.source_uri, record.location) is None
    assert new.find_rival(record.source_uri, "s3://old/photos/a.jpg") is None
    memory.rm("/old", recursive=True)
    assert new.find_rival(record.source_uri, record.location) is None


def test_a_folder_that_cannot_be_listed_is_one_error(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/r/a/x.txt", "/r/b.txt"):
        memory.pipe_file(path, b"x")
    source = RemoteSource.open("memory://r")
    filesystem = source.place.filesystem
    ls = filesystem.ls

    def refuse(path: str, **options: object) -> object:
        if path.endswith("/a"):
            raise PermissionError("not yours")
        return ls(path, **options)

    monkeypatch.setattr(filesystem, "ls", refuse)
    broken, whole = source.iter_records()
    assert isinstance(broken, SourceError)
    assert (broken.source_uri, whole.source_uri) == ("remote://r/a/", "remote://r/b.txt")
    assert "not yours" in broken.reason


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/home", "is not the URL of a remote folder"),
        ("s3://", "is not the URL of a remote folder"),
        ("simplecache::s3://bucket/x", "is not the URL of a remote folder"),
        ("file:///etc", "give the folder's path"),
        ("local://etc", "give the folder's path"),
        ("https://example.org/photos/", "allow their hosts"),
        ("http://user:hidden@example.org/", "allow their hosts"),
        ("nonsense://x", "Protocol not known"),
        ("memory://nowhere", "is not there"),
    ],
)
def test_urls_that_are_no_root(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refusal:
        keys(RemoteSource.open(url))
    assert "hidden" not in str(refusal.value)


def test_a_file_is_no_root(memory: Any) -> None:
    memory.pipe_file("/r/b.txt", b"x")
    with pytest.raises(SettingsError, match="is a file"):
        keys(RemoteSource.open("memory://r/b.txt"))


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = sys.modules["fsspec.registry"]._registry
    for protocol, module, package in (
        ("s3", "s3fs", r"'diptych\[s3\]'"),
        ("gs", "gcsfs", "gcsfs"),
        ("az", "adlfs", "adlfs"),
        ("sftp", "paramiko", "paramiko"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
        monkeypatch.delitem(known, protocol, raising=False)
        with pytest.raises(SettingsError, match=f"pip install {package}"):
            RemoteSource.open(f"{protocol}://user:pass@bucket/x")


def test_what_goes_wrong_while_connecting_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    class Picky(fsspec.get_filesystem_class("memory")):  # type: ignore[misc]
        protocol = "picky"
        cachable = False
        failure: Exception = ValueError()

        def __init__(self, **options: object) -> None:
            super().__init__(**options)
            raise self.failure

    fsspec.register_implementation("picky", Picky, clobber=True)
    for failure, expected in (
        (ConnectionRefusedError("nobody"), SourceUnavailable),
        (PermissionError("not you"), SettingsError),
        (RuntimeError("odd"), SettingsError),
    ):
        monkeypatch.setattr(Picky, "failure", failure)
        with pytest.raises(expected, match=str(failure)):
            RemoteSource.open("picky://x/y")


def test_names_and_options(memory: Any) -> None:
    memory.pipe_file("/r/b.txt", b"x")
    assert RemoteSource.open("memory://r/é+x").name == "é+x"
    assert RemoteSource.open("memory://bucket").name == "bucket"
    with pytest.raises(SettingsError, match="cannot name a root"):
        RemoteSource.open("memory://r", name="a/b")


class HttpError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"status {code}")
        self.code = code


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (HttpError(503), Trouble.OUTAGE),
        (HttpError(429), Trouble.OUTAGE),
        (HttpError(401), Trouble.CREDENTIALS),
        (HttpError(403), Trouble.FORBIDDEN),
        (HttpError(404), Trouble.MISSING),
        (HttpError(416), Trouble.EMPTY),
        (ConnectionResetError(), Trouble.OUTAGE),
        (TimeoutError(), Trouble.OUTAGE),
        (FileNotFoundError(), Trouble.MISSING),
        (PermissionError(), Trouble.FORBIDDEN),
        (OSError(5, "input or output"), Trouble.OUTAGE),
        (ValueError("odd"), Trouble.OTHER),
    ],
)
def test_what_errors_mean(error: Exception, trouble: Trouble) -> None:
    assert to_trouble(error) is trouble


def test_expired_credentials_end_a_run_and_fail_no_item() -> None:
    exceptions = pytest.importorskip("botocore.exceptions")
    for code in ("ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed"):
        error = PermissionError("the session is over")
        error.__cause__ = exceptions.ClientError({"Error": {"Code": code}}, "GetObject")
        assert to_trouble(error) is Trouble.CREDENTIALS
