"""``diptych search`` as a shell sees it, on an embedded index; the model is the legible one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ingest.store.connect import connect
from schemas.errors import (
    CollectionMissing,
    DecodeError,
    DiptychError,
    EmptyQuery,
    LockHeld,
    QueryError,
    SpaceMismatch,
    UnknownField,
    UnreadableSource,
)
from search.cli import search
from tests.legible import LegibleEncoder
from tests.search.conftest import fill, paint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of the colours, and an embedded index of them where the settings expect it."""
    folder = tmp_path_factory.mktemp("colours")
    with connect(str(folder / "diptych-index")) as engine:
        fill(engine, LegibleEncoder(), paint(folder))
    return folder


@pytest.fixture
def index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run in the folder and load the legible encoder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DIPTYCH_COLLECTION", "colours")
    monkeypatch.setattr(
        "ingest.encoders.load.load_encoder", lambda model, **_: LegibleEncoder(model)
    )
    return folder / "diptych-index"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(search, arguments)


def run_well(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output or result.exception
    return result.stdout


@pytest.mark.usefixtures("index")
def test_words_find_images_as_a_table() -> None:
    lines = run_well("a red cat", "--target", "image", "--top-k", "2").splitlines()
    assert lines[0] == "  1   1.000  image  red.png     1 x 6"
    assert lines[1] == "  2   0.707  image  yellow.png  4 x 6"
    assert lines[3].startswith("2 hits in colours__g001 (legible-1, ")


@pytest.mark.usefixtures("index")
def test_a_photograph_finds_documents() -> None:
    lines = run_well("--image", "blue.png", "--target", "text", "--top-k", "1").splitlines()
    assert lines[0] == "  1   1.000  text  /photos/sea.txt  The sea  part 1 of 3"
    assert lines[1] == "      the blue sea"


@pytest.mark.usefixtures("index")
def test_json_is_the_page() -> None:
    page = json.loads(run_well("red", "--target", "text", "--json", "--all-chunks"))
    assert {key: page[key] for key in ("target", "model_id", "collection")} == {
        "target": "text",
        "model_id": "legible-1",
        "collection": "colours__g001",
    }
    assert [hit["rank"] for hit in page["hits"]] == [1, 2, 3, 4, 5]
    assert page["hits"][0]["snippet"] in {"a red rose", "a red boat"}


@pytest.mark.usefixtures("index")
def test_every_condition_must_hold() -> None:
    found = run_well(
        "red",
        "--target",
        "image",
        "--where",
        "width_pixels>=2",
        "--where",
        "metadata.colour=blue,red",
    )
    assert "blue.png" in found
    assert found.splitlines()[-1].startswith("1 hit ")


@pytest.mark.usefixtures("index")
def test_nothing_found_is_an_answer() -> None:
    assert run_well("red", "--where", "page>=900").startswith("No hits in colours__g001")


@pytest.mark.usefixtures("index")
def test_the_sheet_is_drawn_beside_the_answer(folder: Path) -> None:
    result = run("red", "--target", "image", "--sheet", "out.png", "--json")
    assert json.loads(result.stdout)["hits"]
    assert result.stderr == "wrote out.png\n"
    with Image.open(folder / "out.png") as sheet:
        assert sheet.width == 1280


@pytest.mark.usefixtures("index")
def test_settings_count_and_flags_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_TOP_K", "1")
    assert len(json.loads(run_well("red", "--json"))["hits"]) == 1
    assert len(json.loads(run_well("red", "--json", "--top-k", "3"))["hits"]) == 3


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("arguments", "error", "exit_code"),
    [
        ([], EmptyQuery, 2),
        ([" "], EmptyQuery, 2),
        (["--not", "red"], EmptyQuery, 2),
        (["--like", "folder://root/none.png"], QueryError, 2),
        (["red", "--cursor", "x"], QueryError, 2),
        (["red", "--where", "colour=red"], UnknownField, 2),
        (["red", "--where", "page"], QueryError, 2),
        (["red", "--sheet", "out.txt"], QueryError, 2),
        (["red", "--collection", "other"], CollectionMissing, 78),
        (["red", "--model", "legible-2"], SpaceMismatch, 78),
        (["--image", "gone.png"], UnreadableSource, 3),
        (["--image", "broken.png"], DecodeError, 3),
    ],
)
def test_a_question_that_fails_raises_its_own_error(
    folder: Path, arguments: list[str], error: type[DiptychError], exit_code: int
) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run(*arguments)
    assert type(result.exception) is error
    assert error.exit_code == exit_code
    assert "\n" not in str(result.exception)


@pytest.mark.parametrize("count", ["0", "10001", "many"])
def test_a_count_out_of_range_is_a_usage_error(count: str) -> None:
    result = run("red", "--top-k", count)
    assert result.exit_code == 2
    assert "'--top-k'" in result.output


def test_an_index_that_is_in_use_says_so_at_once(index: Path) -> None:
    with connect(str(index)):
        assert type(run("red").exception) is LockHeld
    assert run_well("red")


@pytest.mark.usefixtures("index")
def test_a_failed_search_lets_go_of_the_index() -> None:
    assert type(run("red", "--model", "legible-2").exception) is SpaceMismatch
    assert run_well("red")


def test_an_unknown_target_is_a_usage_error() -> None:
    result = run("red", "--target", "video")
    assert result.exit_code == 2
    assert "'video' is not one of" in result.stderr


@pytest.mark.usefixtures("index")
def test_thumbs_refine_the_query() -> None:
    judged = ("--thumbs-up", "folder://root/green.png", "--thumbs-down", "folder://root/red.png")
    page = json.loads(run_well("red blue", "--target", "image", "--json", *judged))
    found = [hit["source_uri"].rpartition("/")[2] for hit in page["hits"]]
    assert found == ["yellow.png", "blue.png"]


@pytest.mark.usefixtures("index")
def test_thumbs_need_a_query() -> None:
    assert isinstance(run("--thumbs-up", "folder://root/green.png").exception, EmptyQuery)
