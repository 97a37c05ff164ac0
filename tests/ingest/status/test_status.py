"""The status shows what is there, to the point, and makes nothing."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import diptych
from ingest.ledger.ledger import Ledger
from ingest.status.read import read_status
from ingest.status.table import to_status_table
from ingest.store.connect import connect
from ingest.store.write_guard import SYNC_TOKEN
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.collection import source_filter
from schemas.errors import CollectionMissing, LockHeld
from schemas.settings import RootSettings
from tests.sync_rig import CountingEncoder, Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.status import StatusReport

GENERATION = "diptych__g001"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Two roots: two pictures, a text of one passage and a failure; and one text."""
    made = Rig(tmp_path)
    paint(made.folder / "red.png", (255, 0, 0))
    paint(made.folder / "blue.png", (0, 0, 255))
    write(made.folder / "a.txt", "a red cat")
    write(made.folder / "broken.png", "no picture")
    write(tmp_path / "notes" / "b.txt", "a blue door")
    made.sync(made.folder, tmp_path / "notes")
    yield made
    made.close()


def status(rig: Rig) -> StatusReport:
    """The status, for which nothing was written."""
    rig.engine.writes = 0
    engine: Any = rig.engine
    report = read_status(rig.settings(), engine=engine)
    assert rig.engine.writes == 0
    return report


def test_it_counts_points_and_items_by_root(rig: Rig) -> None:
    report = status(rig)
    assert [(one.root, one.images, one.texts, one.items, one.failed) for one in report.roots] == [
        ("notes", 0, 1, 1, 0),
        ("photos", 2, 1, 3, 1),
    ]
    assert report.points == 4
    assert report.roots[1].source == str(rig.folder)
    assert report.roots[1].finished_at is not None
    assert report.failures == {"UnsupportedFormat": 1}
    assert (report.collection, report.model_id) == (GENERATION, "legible-1")
    assert report.ledger == "agrees"
    assert report.ledger_bytes > 0
    assert report.index_bytes is None
    (generation,) = report.generations
    assert (generation.name, generation.state, generation.points) == (GENERATION, "live", 4)


def test_it_knows_the_last_run(rig: Rig) -> None:
    run = status(rig).last_run
    assert run is not None
    assert (run["command"], run["exit_code"], run["counts"]["added"]) == ("sync", 3, 4)


def test_what_moved_is_neither_added_nor_deleted(rig: Rig) -> None:
    (rig.folder / "red.png").rename(rig.folder / "moved.png")
    rig.sync()
    line = to_status_table(status(rig)).splitlines()[2]
    assert line.endswith(": 0 added, 0 updated, 1 moved, 0 deleted, 1 failed")


def test_a_missing_ledger_is_not_made(rig: Rig) -> None:
    shutil.rmtree(rig.state / "ledger")
    report = status(rig)
    assert (report.ledger, report.last_run, report.ledger_bytes) == ("missing", None, 0)
    assert [(one.images, one.texts, one.items) for one in report.roots] == [
        (0, 1, None),
        (2, 1, None),
    ]
    assert report.failures == {"UnsupportedFormat": 1}  # by the dead letters
    assert not (rig.state / "ledger").exists()


def test_a_damaged_ledger_is_left_as_it_is(rig: Rig) -> None:
    path = rig.state / "ledger" / f"{GENERATION}.sqlite"
    shutil.rmtree(path.parent)
    write(path, "no database" * 1_000)
    assert status(rig).ledger == "damaged"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_ledger_is_out_of_step_when_somebody_else_wrote(rig: Rig) -> None:
    rig.memory.update_collection(GENERATION, metadata={SYNC_TOKEN: "another"})
    assert status(rig).ledger == "out of step"
    rig.sync(rig.folder)
    assert status(rig).ledger == "out of step"  # the other root was not gone through
    rig.sync(rig.folder, rig.folder.parent / "notes")
    assert status(rig).ledger == "agrees"


def test_roots_that_nobody_remembers_are_shown(rig: Rig) -> None:
    rig.memory.set_payload(GENERATION, {"root": "stray"}, source_filter("folder://photos/a.txt"))
    report = status(rig)
    assert [(one.root, one.source, one.images, one.texts) for one in report.roots][2] == (
        "stray",
        None,
        0,
        1,
    )
    assert "not remembered" in to_status_table(report)


def test_there_must_be_a_collection(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with pytest.raises(CollectionMissing):
        status(rig)
    rig.close()


def test_the_table_has_a_line_a_root(rig: Rig) -> None:
    lines = to_status_table(status(rig)).splitlines()
    assert lines[0] == f"index      :memory:, collection {GENERATION}, 4 points"
    assert lines[2].startswith("last run   sync, ended ")
    assert lines[2].endswith(": 4 added, 0 updated, 0 moved, 0 deleted, 1 failed")
    assert lines[5] == "    images     texts     items    failed  root"
    assert lines[7].startswith(f"         2         1         3         1  photos ({rig.folder})")
    assert lines[9].startswith(f"         4  {GENERATION}: live, legible-1, ")
    assert lines[-1] == "         1  UnsupportedFormat"


def test_the_command_shows_an_embedded_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rig = Rig(tmp_path)
    paint(rig.folder / "red.png", (255, 0, 0))
    settings = rig.settings().model_copy(update={"url": str(tmp_path / "index"), "state_dir": None})
    roots = [RootSettings(source=str(rig.folder))]
    SyncJob(roots, settings, options=SyncOptions(show_progress=False)).run(
        encoder=CountingEncoder()
    )
    result = CliRunner().invoke(diptych.cli, ["status", "--url", settings.url, "--json"])
    assert result.exit_code == 0
    read = json.loads(result.output)
    assert (read["points"], read["ledger"], read["roots"][0]["images"]) == (1, "agrees", 1)
    assert read["index_bytes"] > read["ledger_bytes"] > 0
    table = CliRunner().invoke(diptych.cli, ["status", "--url", settings.url])
    assert "\non disk    " in table.output
    with connect(settings.url), pytest.raises(LockHeld):
        read_status(settings)
    rig.close()


def test_a_repair_is_a_run(rig: Rig) -> None:
    from ingest.verify.job import VerifyJob

    rig.memory.delete(GENERATION, source_filter("folder://photos/a.txt"))
    engine: Any = rig.engine
    VerifyJob([], rig.settings(), repairs=True).run(engine=engine, encoder=rig.encoder)
    run = status(rig).last_run
    assert run is not None
    assert (run["command"], run["counts"]["added"]) == ("verify", 1)


def test_a_ledger_that_is_only_looked_at_must_be_there(tmp_path: Path) -> None:
    from schemas.errors import StoreError

    with pytest.raises(StoreError):
        Ledger(tmp_path / "none.sqlite", reads_only=True)
    assert list(tmp_path.iterdir()) == []
