"""Tables at URLs, and what tells a reader that a package is missing."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import fsspec
import pytest

from ingest.sources.dataset import DatasetSource
from ingest.sources.manifest import ManifestSource
from ingest.sources.table_files import without_secrets
from schemas.errors import SettingsError, SourceUnavailable
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bucket() -> Iterator[str]:
    """A file system of fsspec that is not the local disk."""
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/pets.csv", b"path,caption\na b.jpg,A cat.\n../b.jpg,Out.\n")
    yield "memory://bucket"
    memory.rm("/bucket", recursive=True)


def test_a_table_at_a_url_has_its_paths_beside_it(bucket: str) -> None:
    source = ManifestSource.open(f"{bucket}/pets.csv")
    record, error = source.iter_records()
    assert isinstance(record, Record)
    assert record.source_uri == "manifest://pets/a%20b.jpg"
    assert record.location == "memory://bucket/a b.jpg"
    assert record.caption == "A cat."
    assert error.source_uri == "manifest://pets/../b.jpg"
    assert source.location == "memory://bucket/pets.csv"
    assert source.find_rival(record.source_uri, record.location) is None


def test_inline_rows_of_a_table_at_a_url_are_located_in_it(bucket: str) -> None:
    source = ManifestSource.open(f"{bucket}/pets.csv", columns={"path": "", "text": "caption"})
    first, _ = source.iter_records()
    assert isinstance(first, Record)
    assert first.location == "memory://bucket/pets.csv#row=1"


def test_a_url_that_leads_nowhere_is_refused(bucket: str) -> None:
    for url in (f"{bucket}/none.csv", "nonsense://x/t.csv"):
        with pytest.raises((SettingsError, SourceUnavailable)):
            ManifestSource.open(url)


def test_a_file_system_that_goes_away_ends_the_listing(bucket: str) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/long.jsonl", b'{"path": "a.jpg"}\n' * 10_000)
    items = ManifestSource.open(f"{bucket}/long.jsonl").iter_records()
    assert isinstance(next(items), Record)
    io.BytesIO.close(memory.store["/bucket/long.jsonl"])
    with pytest.raises(SourceUnavailable, match=r"long\.jsonl cannot be read any more"):
        list(items)
    del memory.store["/bucket/long.jsonl"]


def test_secrets_in_a_url_are_not_shown() -> None:
    assert without_secrets("sftp://me:secret@host/t.csv?token=x#y") == "sftp://host/t.csv"
    assert without_secrets("s3://bucket/a b.csv") == "s3://bucket/a b.csv"


@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [
        ("pyarrow", "t.parquet", "diptych[parquet]"),
        ("datasets", "folder", "diptych[datasets]"),
    ],
)
def test_a_missing_package_is_told_with_its_extra(
    package: str, name: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    kind = DatasetSource if package == "datasets" else ManifestSource
    with pytest.raises(SettingsError, match="pip install") as caught:
        kind.open(str(tmp_path / name))
    assert extra in str(caught.value)
