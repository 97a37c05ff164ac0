"""``diptych evaluate`` as a shell sees it, on an embedded index; the model is the legible one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ingest.store.connect import connect
from schemas.errors import (
    CollectionMissing,
    ModelUnavailable,
    QueryError,
    SettingsError,
    UnknownField,
)
from schemas.evaluation import read_report
from search.evaluate.cli import evaluate
from tests.legible import LegibleEncoder
from tests.search.evaluate.conftest import index, to_uri

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.errors import DiptychError

PAIRS = [
    {"image": "red.png", "text": ["red", "a red thing"]},
    {"image": "yellow.png", "text": ["yellow", "green"]},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    with connect(str(folder / "diptych-index")) as engine:
        index(engine, folder)
    lines = "\n".join(json.dumps(one) for one in PAIRS)
    (folder / "pairs.jsonl").write_text(lines, encoding="utf-8")
    (folder / "qrels").write_text(f"1 0 {to_uri('red')} 1\n2 0 green.png 1\n", encoding="utf-8")
    (folder / "queries").write_text("1\tred\n2\timage\tgreen.png\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _where_it_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DIPTYCH_COLLECTION", "photos")
    monkeypatch.setattr(
        "ingest.encoders.load.load_encoder", lambda model, **_: LegibleEncoder(model)
    )


def run(*arguments: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(evaluate, arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    assert result.return_value == exit_code
    return result


def test_pairs_as_a_table() -> None:
    lines = run("--pairs", "pairs.jsonl", "--measure", "recall@1", "--measure", "mrr").stdout
    table = [" ".join(line.split()) for line in lines.splitlines()]
    assert table[0] == "questions recall@1 mrr"
    assert table[1] == "text->image 4 0.750 0.875"
    assert table[2] == "0.25-1.00 0.62-1.00"
    assert table[3] == "image->text 2 1.000 1.000"
    assert table[-1].startswith("photos__g001 (legible-1), the first 100 hits judged; 95% interval")


def test_captions_of_the_collection_without_any_file() -> None:
    report = json.loads(run("--json", "-", "--most", "2").stdout)
    assert report["figures"][0]["direction"] == "text->image"
    assert report["figures"][0]["questions"] == 2
    assert report["exit_code"] == 0


def test_judgements() -> None:
    found = run("--qrels", "qrels", "--queries", "queries", "--json", "-").stdout
    report = read_report(found, "stdout")
    assert {one.direction: one.questions for one in report.figures if not one.part} == {
        "text->image": 1,
        "image->text": 1,
        "text->text": 1,
        "text->any": 1,
        "image->any": 1,
    }


def test_a_floor_that_is_not_reached_is_status_4() -> None:
    asked = ("--pairs", "pairs.jsonl", "--direction", "text->image")
    run(*asked, "--min", "recall@1=0.75", "--min", "text->image:mrr=0.87")
    result = run(*asked, "--min", "recall@1=0.8", exit_code=4)
    assert "not reached: recall@1=0.8, text->image has 0.750" in result.stdout


def test_a_saved_report_is_compared_with(folder: Path) -> None:
    run("--pairs", "pairs.jsonl", "--json", "saved.json")
    result = run("--pairs", "pairs.jsonl", "--against", "saved.json", "--where", "width_pixels=8")
    assert "against photos__g001 in saved.json (legible-1)" in result.stdout
    saved = read_report((folder / "saved.json").read_text(encoding="utf-8"), "saved.json")
    assert saved.comparison is None
    other = CliRunner().invoke(evaluate, ["--against", "saved.json"], standalone_mode=False)
    assert "answered none of these questions" in str(other.exception)


def test_another_collection_and_another_option_are_compared_with() -> None:
    asked = ("--pairs", "pairs.jsonl", "--json", "-")
    other = json.loads(run(*asked, "--against", "photos").stdout)["comparison"]
    assert other["name"] == "photos__g001"
    assert {one["p_value"] for one in other["differences"]} == {1.0}
    changed = ("--against-option", "score_threshold=0.8", "--option", "all_chunks=true")
    report = read_report(run(*asked, *changed).stdout, "stdout")
    assert report.options == {"all_chunks": "True"}
    assert report.comparison is not None
    assert report.comparison.name == "photos__g001 with score_threshold=0.8"
    first = report.comparison.differences[3]
    # "green" no longer finds the yellow photograph, at cosine .707.
    assert (first.measure, first.here, first.there) == ("mrr", 0.875, 0.75)


def test_the_gallery_is_drawn(folder: Path) -> None:
    result = run("--pairs", "pairs.jsonl", "--gallery", "misses.png")
    assert result.stderr == "wrote misses.png\n"
    with Image.open(folder / "misses.png") as sheet:
        assert sheet.width == 1280


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--pairs", "gone.jsonl"], SettingsError),
        (["--qrels", "qrels"], SettingsError),
        (["--pairs", "pairs.jsonl", "--qrels", "qrels", "--queries", "queries"], SettingsError),
        (["--min", "recall@10"], SettingsError),
        (["--min", "text->video:mrr=0.5"], SettingsError),
        (["--min", "mrr=nan"], SettingsError),
        (["--min", "mrr=60"], SettingsError),
        (["--measure", "accuracy"], SettingsError),
        (["--slice", "colour"], UnknownField),
        (["--option", "where"], SettingsError),
        (["--option", "top_k=3"], SettingsError),
        (["--where", "page"], QueryError),
        (["--collection", "nothing"], CollectionMissing),
        (["--against", "nothing"], CollectionMissing),
        (["--against", "gone.json"], SettingsError),
        (["--against", "saved.json", "--against-option", "all_chunks=true"], SettingsError),
        (["--gallery", "misses.txt"], QueryError),
        (["--gallery", "gone/misses.png", "--collection", "nothing"], QueryError),
        (["--rerank", "gone", "--direction", "text->image"], ModelUnavailable),
    ],
)
def test_what_cannot_be_done_raises_its_own_error(
    arguments: list[str], error: type[DiptychError]
) -> None:
    result = CliRunner().invoke(evaluate, arguments, standalone_mode=False)
    assert type(result.exception) is error
    assert "\n" not in str(result.exception)


def test_a_folder_that_is_not_there_is_told_before_anything_is_asked() -> None:
    result = CliRunner().invoke(evaluate, ["--collection", "nothing", "--json", "gone/report.json"])
    assert result.exit_code == 2
    assert "there is no folder gone" in result.stderr
