"""A root that is removed while a generation is built is not in it when it is published."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.store.collections import resolve_collection
from ingest.sync.job import SyncJob
from ingest.sync.roots import ROOTS
from ingest.sync.session import SyncOptions
from schemas.collection import root_filter
from schemas.errors import MigrationRefused
from schemas.settings import RootSettings
from tests.sync_rig import CountingEncoder, Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from schemas.space import Vectors
    from tests.legible import LegibleEncoder


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    for number in range(3):
        paint(rig.folder / f"{number}.png", (255, number, 0))
        paint(tmp_path / "scans" / f"{number}.png", (0, number, 255))
    write(tmp_path / "scans" / "broken.jpg", "no picture")
    rig.sync(rig.folder, tmp_path / "scans")
    yield rig
    rig.close()


def forget(rig: Rig, root: str) -> None:
    """What a command that removes a root leaves of it in the live generation: nothing."""
    live = resolve_collection(rig.memory, "diptych")
    roots = {name: said for name, said in live.metadata[ROOTS].items() if name != root}
    rig.memory.update_collection(live.name, metadata={ROOTS: roots})
    rig.memory.delete(live.name, root_filter(root))


class Acting(CountingEncoder):
    """Does something once, when the first image but the canary's is encoded."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(model_id="legible-2")
        self._acts = [act]

    def encode_images(self, images: Any) -> Vectors:
        before = self.encoded
        vectors = super().encode_images(images)
        if self.encoded > before and self._acts:
            self._acts.pop()()
        return vectors


def migrate(rig: Rig, encoder: LegibleEncoder, *, stopping: Event | None = None) -> None:
    options = MigrationOptions(show_progress=False, evaluates=False)
    job = MigrateJob(rig.settings(), options=options, stopping=stopping)
    job.run(engine=rig.memory, encoder=encoder)


def check(rig: Rig) -> None:
    """The new generation is live, has the first root alone, and a schedule agrees with it."""
    live = resolve_collection(rig.memory, "diptych")
    assert (live.name, live.metadata[ROOTS].keys()) == ("diptych__g002", {"photos"})
    assert rig.memory.count(live.name).count == 3
    letters = rig.state / "diptych-dead-letters.jsonl"
    assert not letters.exists() or "broken" not in letters.read_text()
    encoder = CountingEncoder(model_id="legible-2")
    options = SyncOptions(show_progress=False)
    report = SyncJob([], rig.settings(), options=options).run(engine=rig.memory, encoder=encoder)
    assert (report.rebuilt, report.counts.unchanged, encoder.encoded) == (False, 3, 0)


@pytest.mark.parametrize("has_ledger", [True, False])
def test_removed_between_two_runs(rig: Rig, *, has_ledger: bool) -> None:
    stopping = Event()
    roots = resolve_collection(rig.memory, "diptych").metadata[ROOTS]
    swapped = {"scans": roots["scans"], "photos": roots["photos"]}
    rig.memory.update_collection("diptych__g001", metadata={ROOTS: swapped})
    migrate(rig, Acting(stopping.set), stopping=stopping)
    assert rig.memory.count("diptych__g002", root_filter("scans")).count
    forget(rig, "scans")
    if not has_ledger:
        (rig.state / "ledger" / "diptych__g002.sqlite").unlink()
    migrate(rig, CountingEncoder(model_id="legible-2"))
    check(rig)


def test_removed_during_the_build(rig: Rig) -> None:
    migrate(rig, Acting(lambda: forget(rig, "scans")))
    check(rig)


def test_removed_while_it_is_verified(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    flush = rig.memory.flush

    def flush_late() -> None:
        if rig.memory.count("diptych__g002").count == 6 and has_root(rig, "scans"):
            forget(rig, "scans")
        flush()

    monkeypatch.setattr(rig.memory, "flush", flush_late)
    with pytest.raises(MigrationRefused, match="scans was removed from the collection"):
        migrate(rig, CountingEncoder(model_id="legible-2"))
    migrate(rig, CountingEncoder(model_id="legible-2"))
    check(rig)


def has_root(rig: Rig, root: str) -> bool:
    return root in resolve_collection(rig.memory, "diptych").metadata[ROOTS]


def test_roots_of_the_settings(tmp_path: Path) -> None:
    """A collection that remembers no roots is filled from those of the settings."""
    rig = Rig(tmp_path)
    paint(rig.folder / "a.png", (255, 0, 0))
    paint(tmp_path / "scans" / "b.png", (0, 0, 255))
    rig.sync(rig.folder, tmp_path / "scans")
    rig.memory.update_collection("diptych__g001", metadata={ROOTS: None})
    stopping = Event()
    options = MigrationOptions(show_progress=False, evaluates=False)
    both = [RootSettings(source=str(path)) for path in (tmp_path / "scans", rig.folder)]
    job = MigrateJob(rig.settings(roots=both), options=options, stopping=stopping)
    job.run(engine=rig.memory, encoder=Acting(stopping.set))
    assert rig.memory.count("diptych__g002").count
    rig.memory.delete("diptych__g001", root_filter("scans"))
    job = MigrateJob(rig.settings(roots=both[1:]), options=options)
    job.run(engine=rig.memory, encoder=CountingEncoder(model_id="legible-2"))
    assert resolve_collection(rig.memory, "diptych").metadata[ROOTS].keys() == {"photos"}
    assert rig.memory.count("diptych").count == 1
    rig.close()
