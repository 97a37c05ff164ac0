"""Migrations of collections one of whose roots is not where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.store.collections import resolve_collection
from ingest.sync.forget import forget_roots
from schemas.errors import MigrationRefused
from tests.legible import LegibleEncoder
from tests.sync_rig import CountingEncoder, Rig, paint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.sync_report import SyncReport


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Two roots, one of which has moved to another place."""
    rig = Rig(tmp_path)
    paint(rig.folder / "a.png", (255, 0, 0))
    paint(tmp_path / "scans" / "b.png", (0, 0, 255))
    rig.sync(rig.folder, tmp_path / "scans")
    (tmp_path / "scans").rename(tmp_path / "archive")
    yield rig
    rig.close()


def migrate(rig: Rig, **settings: Any) -> SyncReport:
    options = MigrationOptions(evaluates=False, show_progress=False)
    encoder = CountingEncoder(model_id="legible-2")
    job = MigrateJob(rig.settings(**settings), options=options)
    return job.run(engine=rig.memory, encoder=encoder, live_encoder=LegibleEncoder())


def test_the_refusal_names_the_root_and_the_ways_out(rig: Rig) -> None:
    with pytest.raises(MigrationRefused) as refused:
        migrate(rig)
    message = str(refused.value)
    assert message.startswith("the root 'scans' cannot be gone through: ")
    for way in ("is a disk not mounted?", "Mount it", 'name = "scans"', "diptych forget scans"):
        assert way in message
    assert resolve_collection(rig.memory, "diptych").name == "diptych__g001"


def test_another_place_in_the_settings_is_gone_through(rig: Rig, tmp_path: Path) -> None:
    roots = [{"source": str(tmp_path / "archive"), "name": "scans"}]
    report = migrate(rig, roots=roots)
    assert [(one.root, one.counts.added) for one in report.roots] == [("photos", 1), ("scans", 1)]
    assert resolve_collection(rig.memory, "diptych").name == "diptych__g002"


def test_a_forgotten_root_is_not_asked_for(rig: Rig) -> None:
    with pytest.raises(MigrationRefused):
        migrate(rig)  # leaves a generation that is half built
    forget_roots(["scans"], rig.settings(), engine=rig.memory)
    report = migrate(rig)
    assert [one.root for one in report.roots] == ["photos"]
    assert (report.points, resolve_collection(rig.memory, "diptych").name) == (1, "diptych__g002")
