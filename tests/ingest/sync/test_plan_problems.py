"""A plan says what a run would refuse or could not do, in the run's own words."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from schemas.errors import MassDeleteRefused, SourceUnavailable
from schemas.settings import RootSettings
from tests.plan_rig import GENERATION, changing, make_rig, plan
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = make_rig(tmp_path)
    yield made
    made.close()


def test_a_sweep_that_would_be_refused_is_a_problem(rig: Rig) -> None:
    rig.sync()
    shutil.rmtree(rig.folder)
    rig.folder.mkdir()
    made = plan(rig)
    assert made.counts["delete"] == 3
    assert [one.kind for one in made.problems] == ["MassDeleteRefused"]
    assert made.exit_code == MassDeleteRefused.exit_code
    assert plan(rig, allow_mass_delete=True).exit_code == 0


def test_a_root_that_is_not_there_is_a_problem(rig: Rig) -> None:
    rig.sync()
    rig.folder.rename(rig.folder.with_name("away"))
    made = plan(rig)
    assert (made.entries, made.problems) == ((), rig.sync().problems)
    assert made.exit_code == SourceUnavailable.exit_code


@pytest.mark.parametrize("is_lost", [False, True])
def test_what_is_wrong_with_roots_is_said_as_by_the_run(rig: Rig, *, is_lost: bool) -> None:
    rig.sync()
    other = rig.folder.parent / "other"
    paint(other / "photos" / "green.png", (0, 255, 0))
    write(other / "rows.jsonl", json.dumps({"id": "one", "text": "a red one"}))
    roots = [
        RootSettings(source=str(rig.folder)),
        RootSettings(source=str(other), name="photos"),
        RootSettings(source=str(other / "photos"), name="more"),
        RootSettings(source=str(other / "nowhere")),
    ]
    for taken in (other / "rows.jsonl", other / "photos"):
        if is_lost:
            shutil.rmtree(rig.state / "ledger", ignore_errors=True)
        chosen = [RootSettings(source=str(taken), name="photos"), *roots[2:]]
        planned = plan(rig, roots=chosen).problems
        assert [one.kind for one in planned] == ["SourceUnavailable", "SettingsError"]
        assert planned == rig.sync_roots(chosen).problems
    planned = plan(rig, roots=roots).problems
    assert [one.root for one in planned] == ["photos", str(other / "nowhere")]
    assert "two roots are called 'photos'" in planned[0].message
    assert planned == rig.sync_roots(roots).problems


def test_names_clash_before_there_is_a_collection(rig: Rig) -> None:
    root = RootSettings(source=str(rig.folder))
    made = plan(rig, roots=[root, root])
    assert [one.kind for one in made.problems] == ["SettingsError"]
    assert made.counts["add"] == 3


@pytest.mark.parametrize("first_page", [0, 1])
def test_a_damaged_ledger_is_set_aside_and_the_payloads_are_read(rig: Rig, first_page: int) -> None:
    rig.sync()
    before = rig.memory.read_metadata(GENERATION)
    paint(rig.folder / "red.png", (0, 255, 0))
    path = rig.state / "ledger" / f"{GENERATION}.sqlite"
    whole = path.read_bytes()
    kept = first_page * 4096  # with its first page, a file is found out only when it is read
    path.write_bytes(whole[:kept] + b"\xff" * (len(whole) - kept))
    assert changing(plan(rig)) == [("update", "red.png", "bytes changed")]
    assert len(list(path.parent.glob("*.damaged-*"))) == 1
    assert rig.memory.read_metadata(GENERATION) == before
    report = rig.sync()
    assert (report.rebuilt, report.counts.updated, rig.encoder.encoded) == (True, 1, 1)
