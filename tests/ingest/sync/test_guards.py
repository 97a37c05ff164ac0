"""What must not be removed, believed or forgotten."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from ingest.job import IngestJob
from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.sources.folder import FolderSource
from ingest.store.collections import resolve_collection
from ingest.sync.job import SyncJob
from ingest.sync.roots import read_roots
from ingest.sync.session import SyncOptions
from schemas.errors import MigrationRefused, StoreUnavailable
from schemas.settings import RootSettings
from tests.legible import LegibleEncoder
from tests.sync_rig import CountingEncoder, Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def test_an_empty_root_removes_nothing(rig: Rig) -> None:
    for number in range(3):
        paint(rig.folder / f"{number}.png", (255, number, 0))
    rig.sync()
    for path in rig.folder.iterdir():
        path.unlink()
    report = rig.sync()
    assert (report.exit_code, report.counts.deleted) == (5, 0)
    assert "is a disk not mounted?" in report.problems[0].message
    assert len(rig.found()) == 3
    assert rig.sync(allow_mass_delete=True).counts.deleted == 3


def test_a_tenth_may_go_and_no_more(rig: Rig) -> None:
    for number in range(120):
        paint(rig.folder / f"{number:03d}.png", (255, number, 0))
    rig.sync()
    for number in range(12):
        (rig.folder / f"{number:03d}.png").unlink()
    assert (rig.sync().counts.deleted, len(rig.found())) == (12, 108)
    for number in range(12, 24):
        (rig.folder / f"{number:03d}.png").unlink()
    report = rig.sync()
    assert (report.exit_code, report.counts.deleted, len(rig.found())) == (5, 0, 108)


def test_a_caption_that_many_share_excuses_no_removal(rig: Rig, tmp_path: Path) -> None:
    paint(tmp_path / "a.png", (255, 0, 0))
    table = tmp_path / "rows.jsonl"

    def write_rows(names: range) -> None:
        rows = [{"id": str(n), "text": f"red {n}", "caption": "a product"} for n in names]
        table.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    write_rows(range(30))
    rig.sync(table)
    write_rows(range(30, 31))
    report = rig.sync(table)
    assert (report.exit_code, report.counts.deleted, report.counts.moved) == (5, 0, 0)


def test_settings_that_come_and_go_in_runs_that_fail_leave_no_wrong_stamp(rig: Rig) -> None:
    for number in range(4):
        write(rig.folder / f"{number}.txt", "green " * 40 + "red " * number)
    rig.sync()
    time.sleep(2.1)  # older than the tick of a clock, so that stamps are kept
    rig.sync(checksum=True)
    plain, rig._settings = rig._settings, {"chunk_overlap_tokens": 0}

    def lose(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("gone")

    flush, rig.memory.flush = rig.memory.flush, lose  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        rig.sync()
    rig.memory.flush, rig._settings = flush, plain  # type: ignore[method-assign]
    rig.sync()
    assert rig.found() == rig.truth()


def test_a_refused_root_does_not_take_the_place_of_the_remembered_one(
    rig: Rig, tmp_path: Path
) -> None:
    paint(rig.folder / "a.png", (255, 0, 0))
    rig.sync()
    before = read_roots(rig.memory.read_metadata("diptych"))
    paint(tmp_path / "other" / "photos" / "b.png", (0, 255, 0))
    report = rig.sync(tmp_path / "other" / "photos")
    assert report.exit_code == 78
    assert read_roots(rig.memory.read_metadata("diptych")) == before


def test_a_narrower_ingest_does_not_narrow_what_is_synchronised(rig: Rig) -> None:
    paint(rig.folder / "a.png", (255, 0, 0))
    write(rig.folder / "b.txt", "green")
    rig.sync()
    root = RootSettings(source=str(rig.folder), include=("*.png",))
    source = FolderSource.open(rig.folder, include=root.include)
    job = IngestJob(source, rig.settings(), show_progress=False, root=root)
    job.run(engine=rig.memory, encoder=CountingEncoder())
    options = SyncOptions(show_progress=False)
    report = SyncJob([], rig.settings(), options=options).run(
        engine=rig.memory, encoder=CountingEncoder()
    )
    assert (report.counts.unchanged, report.counts.deleted) == (2, 0)


def test_a_migration_that_would_lose_items_is_refused(rig: Rig) -> None:
    for number in range(3):
        paint(rig.folder / f"{number}.png", (255, 40 * number, 0))
    rig.sync()
    for path in rig.folder.iterdir():
        path.unlink()

    def migrate(**more: Any) -> None:
        options = MigrationOptions(show_progress=False, evaluates=False, **more)
        MigrateJob(rig.settings(), options=options).run(
            engine=rig.memory,
            encoder=CountingEncoder(model_id="legible-2"),
            live_encoder=LegibleEncoder(),
        )

    with pytest.raises(MigrationRefused, match="3 of the 3 items"):
        migrate()
    assert resolve_collection(rig.memory, "diptych").name == "diptych__g001"
    with pytest.raises(MigrationRefused, match="--allow-missing"):
        migrate(force=True)
    migrate(allow_missing=True)
    assert resolve_collection(rig.memory, "diptych").name == "diptych__g002"
