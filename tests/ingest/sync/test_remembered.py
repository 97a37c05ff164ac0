"""What a collection was filled from is remembered, whichever command filled it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from ingest.sync.job import SyncJob
from ingest.sync.roots import read_roots
from ingest.sync.session import SyncOptions
from schemas.settings import RootSettings
from tests.sync_rig import CountingEncoder, Rig, paint

if TYPE_CHECKING:
    from pathlib import Path


def test_sync_goes_on_with_what_ingest_began(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for number in range(3):
        paint(rig.folder / f"{number}.png", (255, number, 0))
    root = RootSettings(source=str(rig.folder), exclude=("2.png",))
    source = FolderSource.open(rig.folder, exclude=root.exclude)
    job = IngestJob(source, rig.settings(), show_progress=False, root=root)
    job.run(engine=rig.memory, encoder=CountingEncoder())
    remembered = read_roots(rig.memory.read_metadata("diptych"))
    assert remembered == {"photos": root.model_copy(update={"name": "photos"})}
    encoder = CountingEncoder()
    options = SyncOptions(show_progress=False)
    report = SyncJob([], rig.settings(), options=options).run(engine=rig.memory, encoder=encoder)
    assert (report.counts.unchanged, report.counts.scanned, encoder.encoded) == (2, 2, 0)
    rig.close()
