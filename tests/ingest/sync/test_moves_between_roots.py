"""Items that move from one root to another of the same run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from ingest.sync.planning import make_plan
from ingest.sync.session import SyncOptions
from ingest.sync.table import to_sync_table
from schemas.settings import RootSettings
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def roots(rig: Rig, tmp_path: Path) -> tuple[Path, Path]:
    """Two roots with thirty pictures and a text each; any of them is another's bytes never."""
    other = tmp_path / "scans"
    for number in range(30):
        paint(rig.folder / f"p{number:02d}.png", (255, number, 0))
        paint(other / f"s{number:02d}.png", (0, number, 255))
    write(rig.folder / "a.txt", "green grass")
    write(other / "b.txt", "blue sky")
    rig.sync(rig.folder, other)
    return rig.folder, other


def to_counts(report: Any) -> list[tuple[int, int, int]]:
    return [(one.counts.added, one.counts.deleted, one.counts.moved) for one in report.roots]


@pytest.mark.parametrize("way", ["forth", "back"])
def test_a_move_to_another_root_encodes_nothing_and_is_no_mass_delete(
    rig: Rig, roots: tuple[Path, Path], way: str
) -> None:
    before, after = roots if way == "forth" else roots[::-1]
    for path in [*sorted(before.glob("*.png"))[:20], *before.glob("*.txt")]:
        shutil.move(path, after / path.name)
    report = rig.sync(*roots)
    assert (report.exit_code, rig.encoder.encoded) == (0, 0)
    assert to_counts(report) == [(0, 21, 21), (21, 0, 0)][:: 1 if way == "forth" else -1]
    assert all(one.counts.balanced for one in report.roots)
    assert len(rig.found()) == 62
    assert rig.sync(*roots).counts.unchanged == 62
    assert rig.engine.writes == 0


def test_each_item_that_came_excuses_one_that_vanished(rig: Rig, roots: tuple[Path, Path]) -> None:
    first, second = roots
    shutil.move(first / "p00.png", second / "p00.png")
    for number in range(1, 20):
        (first / f"p{number:02d}.png").unlink()
    report = rig.sync(*roots)
    assert (report.exit_code, rig.encoder.encoded) == (5, 0)
    assert to_counts(report) == [(0, 1, 1), (1, 0, 0)]
    assert len(rig.found()) == 62


def test_the_table_shows_a_moved_item_once(rig: Rig, roots: tuple[Path, Path]) -> None:
    first, second = roots
    shutil.move(first / "p00.png", second / "p00.png")
    (first / "a.txt").rename(first / "c.txt")
    paint(first / "new.png", (9, 9, 9))
    lines = to_sync_table(rig.sync(*roots)).splitlines()
    shown = [line.split()[:7] for line in lines if "photos" in line or "scans" in line]
    together = next(line.split()[:7] for line in lines if line.endswith("together"))
    # scanned, added, updated, moved, deleted, unchanged, failed
    assert shown == [["31", "1", "0", "1", "0", "29", "0"], ["32", "0", "0", "1", "0", "31", "0"]]
    assert together == ["63", "1", "0", "2", "0", "60", "0"]


def test_a_plan_tells_moves_between_roots(rig: Rig, roots: tuple[Path, Path]) -> None:
    first, second = roots
    for number in range(20):
        shutil.move(first / f"p{number:02d}.png", second / f"p{number:02d}.png")
    chosen = [RootSettings(source=str(root)) for root in roots]
    plan = make_plan(
        chosen,
        rig.settings(),
        options=SyncOptions(show_progress=False),
        engine=rig.memory,
        encoder=rig.encoder,
    )
    assert plan.problems == ()
    reasons = {one.source_uri: one.reason for one in plan.entries if one.action != "unchanged"}
    assert len(reasons) == 20
    assert {one.action for one in plan.entries} == {"unchanged", "move"}
    assert reasons["folder://scans/p00.png"] == "moved from folder://photos/p00.png (same bytes)"


def test_what_moved_where_nobody_could_look_is_removed_as_ever(
    rig: Rig, roots: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = roots
    shutil.move(first / "p00.png", second / "p00.png")
    second.rename(tmp_path / "away")
    report = rig.sync(*roots)
    assert report.exit_code == 69
    assert to_counts(report) == [(0, 1, 0)]
    (tmp_path / "away").rename(second)
    assert rig.sync(*roots).exit_code == 0
    assert rig.encoder.encoded == 1


def test_a_run_that_is_stopped_before_all_roots_are_read_removes_nothing(
    rig: Rig, roots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from ingest.sources.folder import FolderSource
    from ingest.sync.job import SyncJob

    first, second = roots
    shutil.move(first / "p00.png", second / "p00.png")
    stopping = Event()
    listing = FolderSource.iter_records

    def stop(source: FolderSource, *args: Any) -> Any:
        yield from listing(source, *args)
        stopping.set()

    engine: Any = rig.engine
    chosen = [RootSettings(source=str(root)) for root in roots]
    with monkeypatch.context() as patched:
        patched.setattr(FolderSource, "iter_records", stop)
        job = SyncJob(
            chosen, rig.settings(), options=SyncOptions(show_progress=False), stopping=stopping
        )
        report = job.run(engine=engine, encoder=rig.encoder)
    assert (report.exit_code, report.counts.deleted) == (130, 0)
    rig.sync(*roots)
    assert rig.encoder.encoded == 0
    assert len(rig.found()) == 62
