"""What a watching run takes for a change."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from ingest.sources.folder import FolderSource
from ingest.sources.own_index import without_index
from ingest.sync import watch as watching
from ingest.sync.session import SyncOptions
from schemas.records import Record
from schemas.settings import RootSettings, load_settings
from tests.legible import LegibleEncoder
from tests.sync_rig import paint

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.sync.job import SyncJob
    from schemas.sync_report import SyncReport

QUIET_SECONDS = 3.0
"""Time enough for several runs that would follow from what a run itself writes."""
MOST_IDLE_RUNS = 1
"""What is reported of one new file may come in two halves, of which the second brings nothing."""


@pytest.fixture
def real(tmp_path: Path) -> Path:
    folder = tmp_path / "real"
    folder.mkdir()
    paint(folder / "red.png", (255, 0, 0))
    return folder


def run(job: SyncJob) -> SyncReport:
    return job.run(encoder=LegibleEncoder())


def test_an_index_inside_a_linked_root_is_no_change(
    tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("watchfiles", reason="the extra 'watch' is not installed")
    monkeypatch.setattr(watching, "DEBOUNCE_SECONDS", 0.2)
    (tmp_path / "link").symlink_to(real)
    settings = load_settings(url=str(real / "index"), isolate=False, chunk_overlap_tokens=2)
    reports: list[SyncReport] = []
    stopping, indexed, looped = Event(), Event(), Event()

    def take(report: SyncReport) -> None:
        reports.append(report)
        if report.counts.added and len(reports) > 1:
            indexed.set()
        if sum(not one.counts.added for one in reports) > MOST_IDLE_RUNS:
            looped.set()

    def keep_watching() -> None:
        watching.watch(
            [RootSettings(source=str(tmp_path / "link"), name="photos")],
            settings,
            SyncOptions(show_progress=False),
            stopping=stopping,
            every_seconds=3600,
            on_report=take,
            run_once=run,
        )

    thread = Thread(target=keep_watching)
    thread.start()
    try:
        for number in range(20):  # until the watch has begun
            paint(real / f"green{number}.png", (0, 255, number))
            if indexed.wait(2):
                break
        assert indexed.is_set()
        assert not looped.wait(QUIET_SECONDS)
    finally:
        stopping.set()
        thread.join()
    assert reports[-1].problems == ()
    assert reports[-1].counts.scanned == len(list(real.glob("*.png")))


def test_an_index_in_a_folder_is_left_out_by_whichever_path(tmp_path: Path, real: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(real)
    (real / "index").mkdir()
    (real / "index" / "notes.txt").write_text("of the index")
    for root, index in ((link, real), (real, link), (link, link), (real, real)):
        source = without_index(FolderSource.open(root), str(index / "index"))
        locations = [item.location for item in source.iter_records() if isinstance(item, Record)]
        assert locations == [str(root / "red.png")]
