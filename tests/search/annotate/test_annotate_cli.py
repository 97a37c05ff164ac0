"""``diptych tag`` and ``diptych caption`` as a shell sees them; the model is the legible one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from ingest.store.connect import connect
from schemas.errors import QueryError
from search.annotate.cli import caption, tag
from search.cli import search
from search.facets_cli import facets
from tests.legible import LegibleEncoder
from tests.search.conftest import fill, paint

if TYPE_CHECKING:
    from pathlib import Path

    import click


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photographs of the colours, an embedded index of them, and labels."""
    with connect(str(tmp_path / "diptych-index")) as engine:
        fill(engine, LegibleEncoder(), paint(tmp_path))
    (tmp_path / "labels.txt").write_text("red\ngreen\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIPTYCH_ISOLATE", "false")
    monkeypatch.setattr(
        "ingest.encoders.load.load_encoder", lambda model, **_: LegibleEncoder(model)
    )
    return tmp_path


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def to_lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("folder")
def test_files_are_tagged_without_an_index() -> None:
    result = run(tag, "red.png", "blue.png", "--labels", "labels.txt", "--url", "nowhere")
    assert to_lines(result) == [
        {"location": "red.png", "tags": [{"label": "red", "score": 1.0, "percentile": 99.99}]},
        {"location": "blue.png", "tags": []},
    ]
    assert result.stderr == "2 images, 1 with tags, 0 failed\n"


def test_a_failure_is_a_line_and_an_exit_status(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"no image")
    result = CliRunner().invoke(
        tag,
        ["broken.png", "red.png", "--labels", "labels.txt", "--out", "tags.jsonl"],
        standalone_mode=False,
    )
    assert (result.return_value, result.stdout) == (3, "")
    lines = [json.loads(line) for line in (folder / "tags.jsonl").read_text().splitlines()]
    assert [one.get("error") for one in lines] == ["UnsupportedFormat", None]


@pytest.mark.usefixtures("folder")
def test_a_collections_images_are_tagged_and_found_by_their_tags() -> None:
    chosen = ("--collection", "colours", "--template", "a photo of {}", "--top", "1")
    result = run(tag, "--labels", "labels.txt", *chosen, "--write-payload")
    lines = {one["source_uri"]: one["tags"] for one in to_lines(result)}
    assert [one["label"] for one in lines["folder://root/yellow.png"]] == ["red"]
    found = run(search, "green", "--where", "tags=red", "--json", "--collection", "colours")
    hits = json.loads(found.stdout)["hits"]
    assert [hit["source_uri"][-10:] for hit in hits] == ["yellow.png", "ot/red.png"]
    assert [hit["tags"] for hit in hits] == [["red"], ["red"]]
    counted = run(facets, "tags", "--collection", "colours").stdout
    assert counted.split() == ["2", "red", "1", "green"]


@pytest.mark.usefixtures("folder")
def test_files_may_be_tagged_like_a_collections_images() -> None:
    result = run(tag, "green.png", "--labels", "labels.txt", "--collection", "colours")
    assert [one["label"] for one in to_lines(result)[0]["tags"]] == ["green"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("option", [("--where", "page=1"), ("--write-payload",)])
def test_options_of_indexed_images_refuse_files(option: tuple[str, ...]) -> None:
    result = run(tag, "red.png", "--labels", "labels.txt", *option)
    assert (result.exit_code, "leave IMAGES" in result.stderr) == (2, True)


@pytest.mark.usefixtures("folder")
def test_labels_are_read_before_anything_is_opened() -> None:
    result = run(tag, "red.png", "--labels", "none.txt")
    assert isinstance(result.exception, QueryError)


@pytest.mark.usefixtures("folder")
def test_a_photograph_is_described() -> None:
    result = run(caption, "blue.png", "--collection", "colours", "--top-k", "1", "--json")
    page = json.loads(result.stdout)
    assert [(hit["snippet"], hit["score"]) for hit in page["hits"]] == [("the blue sea", 1.0)]
    table = run(caption, "blue.png", "--collection", "colours", "--top-k", "1")
    assert table.stdout.splitlines()[1] == "      the blue sea"
