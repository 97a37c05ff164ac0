"""What a user names becomes the source that is meant, and an option that it ignores is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingest.sources.folder import FolderSource
from ingest.sources.manifest import ManifestSource
from ingest.sources.open import SourceOptions, check_heeded, open_source
from ingest.sources.shards import ShardSource
from schemas.errors import SettingsError
from tests.list_source import to_png

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "cat.png").write_bytes(to_png((255, 0, 0)))
    (tmp_path / "table.jsonl").write_text('{"path": "cat.png"}\n', encoding="utf-8")
    (tmp_path / "shard.tar").write_bytes(b"")
    return tmp_path


def test_the_name_tells_the_kind(place: Path) -> None:
    assert isinstance(open_source(str(place)), FolderSource)
    assert isinstance(open_source(str(place / "table.jsonl")), ManifestSource)
    assert isinstance(open_source(str(place / "shard.tar")), ShardSource)


def test_one_file_is_no_source_and_the_message_says_how_to_index_it(place: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        open_source(str(place / "cat.png"))
    assert f"give its folder, {place}" in str(caught.value)
    assert "--include /cat.png" in str(caught.value)
    listed = list(open_source(str(place), SourceOptions(include=("/cat.png",))).iter_records())
    assert len(listed) == 1


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("", SourceOptions(base="x"), "--base cannot be used with a folder"),
        ("", SourceOptions(split="train"), "--split cannot be used with a folder"),
        ("table.jsonl", SourceOptions(include=("*.png",)), "--include cannot be used with a table"),
        ("table.jsonl", SourceOptions(exclude=("*.png",)), "--exclude cannot be used with a table"),
        ("table.jsonl", SourceOptions(split="train"), "--split cannot be used with a table"),
        ("shard.tar", SourceOptions(hidden=True), "--hidden cannot be used with shards"),
        ("shard.tar", SourceOptions(base="x"), "--base cannot be used with shards"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    place: Path, source: str, options: SourceOptions, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        open_source(str(place / source), options)


def test_settings_that_concern_other_sources_do_not_hinder(place: Path) -> None:
    options = SourceOptions(columns={"path": "image"}, allow_hosts=("example.org",))
    assert isinstance(open_source(str(place), options), FolderSource)
    with pytest.raises(SettingsError, match="--column cannot be used with a folder"):
        check_heeded(str(place), ["columns"])
    check_heeded(str(place / "table.jsonl"), ["columns", "allow_hosts"])
