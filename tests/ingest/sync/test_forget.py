"""Roots that are to be forgotten, wholly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from diptych import cli
from ingest.dead_letters import DeadLetters
from ingest.ledger.ledger import Ledger
from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.status.read import read_status
from ingest.status.table import to_status_table
from ingest.store.generations import list_generations
from ingest.store.write_guard import SYNC_TOKEN
from ingest.sync.forget import forget_roots
from ingest.sync.job import SyncJob
from ingest.sync.roots import read_roots
from ingest.sync.run_lock import only_run
from ingest.sync.session import SyncOptions
from ingest.sync.state import to_dead_letters_path, to_ledger_path
from ingest.verify.job import VerifyJob
from ingest.verify.table import to_audit_table
from schemas.collection import root_filter
from schemas.errors import LockHeld, UnknownRoot
from schemas.settings import RootSettings, load_settings
from tests.legible import LegibleEncoder
from tests.sync_rig import Died, Rig, mortal_ledger, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUIET = SyncOptions(show_progress=False)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    paint(rig.folder / "a.png", (255, 0, 0))
    write(rig.folder / "b.txt", "green")
    (rig.folder / "broken.png").write_bytes(b"no picture")
    paint(tmp_path / "scans" / "c.png", (0, 0, 255))
    (tmp_path / "scans" / "damaged.png").write_bytes(b"none either")
    rig.sync(rig.folder, tmp_path / "scans")
    yield rig
    rig.close()


def count(rig: Rig, root: str) -> int:
    return rig.memory.count("diptych", root_filter(root)).count


def read_ledger(rig: Rig) -> dict[str, Any]:
    name = list_generations(rig.memory, "diptych")[-1].name
    ledger = Ledger(to_ledger_path(rig.state, name), reads_only=True)
    try:
        token = rig.memory.read_metadata(name)[SYNC_TOKEN]
        return {
            "items": list(ledger),
            "failed": list(ledger.read_failed("")),
            "agreed": {name for name, one in ledger.read_roots().items() if one.token == token},
        }
    finally:
        ledger.close()


def assert_forgotten(rig: Rig, tmp_path: Path) -> None:
    """Nothing of ``photos``, all of ``scans``, and nothing is read or encoded anew for it."""
    assert (count(rig, "photos"), count(rig, "scans")) == (0, 1)
    assert read_roots(rig.memory.read_metadata("diptych")).keys() == {"scans"}
    letters = DeadLetters.read(to_dead_letters_path(rig.state, rig.settings()))
    assert list(letters.failures) == ["folder://scans/damaged.png"]
    report = SyncJob([], rig.settings(), options=QUIET).run(engine=rig.memory, encoder=rig.encoder)
    assert [(one.root, one.counts.unchanged) for one in report.roots] == [("scans", 1)]
    assert (tmp_path / "scans" / "c.png").exists()
    assert (rig.folder / "a.png").exists()


def test_everything_of_a_root_goes_and_nothing_of_another(rig: Rig, tmp_path: Path) -> None:
    done = forget_roots(["photos"], rig.settings(), engine=rig.memory)
    assert (done.items, done.points, done.is_done) == ({"photos": 2}, 2, True)
    assert read_ledger(rig) == {
        "items": ["folder://scans/c.png"],
        "failed": ["folder://scans/damaged.png"],
        "agreed": {"scans"},
    }
    assert_forgotten(rig, tmp_path)
    with pytest.raises(UnknownRoot, match="no root 'photos'; it has 'scans'"):
        forget_roots(["photos"], rig.settings(), engine=rig.memory)


def test_nothing_goes_that_is_not_agreed_to_or_not_known(rig: Rig) -> None:
    before = rig.found()
    done = forget_roots(["photos"], rig.settings(), engine=rig.memory, agrees=lambda _: False)
    assert (done.items, done.points, done.is_done) == ({"photos": 2}, 0, False)
    with pytest.raises(UnknownRoot, match="'photo'; it has 'photos', 'scans'"):
        forget_roots(["photos", "photo"], rig.settings(), engine=rig.memory)
    assert rig.found() == before


def test_a_root_that_is_not_remembered_can_be_forgotten_by_its_points(rig: Rig) -> None:
    rig.memory.update_collection("diptych", metadata={"roots": {}})
    assert forget_roots(["photos"], rig.settings(), engine=rig.memory).points == 2
    assert (count(rig, "photos"), count(rig, "scans")) == (0, 1)


def test_a_run_under_way_is_not_disturbed(rig: Rig) -> None:
    name = list_generations(rig.memory, "diptych")[-1].name
    with only_run(rig.memory, name, rig.settings()), pytest.raises(LockHeld):
        forget_roots(["photos"], rig.settings(), engine=rig.memory)
    assert count(rig, "photos") == 2


def test_kept_generations_lose_the_root_as_well(rig: Rig) -> None:
    other = LegibleEncoder("legible-2")
    MigrateJob(rig.settings(), options=MigrationOptions(evaluates=False, show_progress=False)).run(
        engine=rig.memory, encoder=other, live_encoder=rig.encoder
    )
    generations = [one.name for one in list_generations(rig.memory, "diptych")]
    assert len(generations) == 2
    assert forget_roots(["photos"], rig.settings(), engine=rig.memory).points == 4
    for name in generations:
        assert rig.memory.count(name).count == 1
        assert read_roots(rig.memory.read_metadata(name)).keys() == {"scans"}


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_crash_at_any_point_is_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    for dies_at in range(1, 200, step):
        base = tmp_path / str(dies_at)
        rig = Rig(base)
        paint(rig.folder / "a.png", (255, 0, 0))
        paint(base / "scans" / "c.png", (0, 0, 255))
        rig.sync(rig.folder, base / "scans")
        rig.world.revive(dies_at)
        engine: Any = rig.engine
        try:
            with mortal_ledger(monkeypatch, rig.world):
                forget_roots(["photos"], rig.settings(), engine=engine)
            is_over = True
        except Died:
            is_over = False
        rig.world.revive()
        if not is_over:
            try:
                forget_roots(["photos"], rig.settings(), engine=rig.memory)
            except UnknownRoot:
                assert count(rig, "photos") == 0
        report = SyncJob([], rig.settings(), options=QUIET).run(
            engine=rig.memory, encoder=rig.encoder
        )
        assert [one.root for one in report.roots] == ["scans"]
        assert (count(rig, "photos"), count(rig, "scans")) == (0, 1)
        assert report.counts.unchanged == 1
        rig.close()
        if is_over:
            return
    pytest.fail("it never came to its end")


def test_roots_that_are_not_configured_are_told_and_are_no_finding(
    rig: Rig, tmp_path: Path
) -> None:
    settings = rig.settings(roots=[{"source": str(tmp_path / "scans")}])
    status = read_status(settings, engine=rig.memory)
    assert len(status.notes) == 1
    assert status.notes[0].startswith("the root 'photos' is indexed and not among [[roots]]")
    assert status.notes[0] in to_status_table(status)
    audit = VerifyJob([], settings).run(engine=rig.memory, encoder=rig.encoder)
    assert (audit.notes, audit.exit_code) == (status.notes, 0)
    assert audit.notes[0] in to_audit_table(audit)
    assert json.dumps(audit.to_json())
    both = rig.settings(roots=[{"source": str(tmp_path / one)} for one in ("scans", "photos")])
    for quiet in (rig.settings(), both):
        assert read_status(quiet, engine=rig.memory).notes == ()
        assert VerifyJob([], quiet).run(engine=rig.memory, encoder=rig.encoder).notes == ()


def test_the_command_asks_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / "photos" / "a.png", (255, 0, 0))
    settings = load_settings(isolate=False)
    roots = [RootSettings(source="photos")]
    SyncJob(roots, settings, options=QUIET).run(encoder=LegibleEncoder())
    asked = CliRunner().invoke(cli, ["forget", "photos"], input="n\n", standalone_mode=False)
    assert asked.return_value == 1
    assert "photos (1 items)?" in asked.output
    assert "nothing was removed" in asked.output
    nobody = CliRunner().invoke(cli, ["forget", "photos"], input="")
    assert nobody.exit_code == 2
    assert "say --yes" in nobody.output
    (tmp_path / "diptych.toml").write_text('[[roots]]\nsource = "photos"\n')
    done = CliRunner().invoke(cli, ["forget", "photos", "--yes"], standalone_mode=False)
    assert done.return_value == 0
    assert "photos (1 items), 1 points in all" in done.output
    assert "still among [[roots]]" in done.output
    assert isinstance(CliRunner().invoke(cli, ["forget", "photos"]).exception, UnknownRoot)
