"""Roots of different kinds may share a name: none takes the other's items for its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from ingest.forecast import make_forecast
from ingest.sources.folder import FolderSource
from schemas.errors import SettingsError
from schemas.settings import load_settings
from tests.legible import LegibleEncoder
from tests.list_source import ListSource, image, to_png

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.engine import Engine
    from tests.ingest.conftest import Ingest

NAME = "pets"


@pytest.fixture
def table() -> ListSource:
    """Rows ``manifest://pets/...``."""
    rows = [image(f"{nth}.png", to_png((nth, 9, 0)), NAME) for nth in range(20)]
    return ListSource(rows, name=NAME)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file ``folder://pets/dog.png`` and one that is broken."""
    folder = tmp_path / "one" / NAME
    folder.mkdir(parents=True)
    (folder / "dog.png").write_bytes(to_png((255, 0, 0)))
    (folder / "broken.png").write_bytes(to_png((0, 255, 0))[:40])
    return folder


def test_the_dead_letters_of_one_stay_when_the_other_is_ingested(
    ingest: Ingest, folder: Path, table: ListSource, tmp_path: Path
) -> None:
    letters = tmp_path / "dead-letters.jsonl"
    ingest(FolderSource.open(folder), dead_letters=letters)
    ingest(table, dead_letters=letters)
    (letter,) = letters.read_text(encoding="utf-8").splitlines()
    assert json.loads(letter)["source_uri"] == "folder://pets/broken.png"


def test_a_second_folder_of_the_name_is_refused_however_many_rows_share_it(
    ingest: Ingest, folder: Path, table: ListSource, tmp_path: Path
) -> None:
    ingest(FolderSource.open(folder))
    ingest(table)
    other = tmp_path / "other" / NAME
    other.mkdir(parents=True)
    with pytest.raises(SettingsError, match=f"stands for {re.escape(str(folder))} "):
        ingest(FolderSource.open(other))


def test_a_folder_is_not_refused_for_a_table_of_its_name(
    ingest: Ingest, folder: Path, table: ListSource
) -> None:
    ingest(table)
    assert ingest(FolderSource.open(folder)).counts.added == 1


def test_a_plan_does_not_miss_the_items_of_the_other(
    engine: Engine, ingest: Ingest, folder: Path, table: ListSource
) -> None:
    ingest(table)
    settings = load_settings(url=":memory:", workers=1)
    source = FolderSource.open(folder)
    told = make_forecast(source, settings, engine=engine, encoder=LegibleEncoder())
    assert (told.gone, told.todo) == (0, 2)
