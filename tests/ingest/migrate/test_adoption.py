"""Generations that are kept are used again; what one policy has made serves another."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.recorded_policy import POLICY
from ingest.store.collections import resolve_collection
from ingest.store.generations import list_generations, prune, roll_back
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.collection import to_point_id
from schemas.errors import MigrationRefused
from schemas.settings import Settings
from tests.legible import LegibleEncoder
from tests.sync_rig import CountingEncoder, Died, Rig, paint, read_points, read_truth, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.space import Vectors
    from schemas.sync_report import SyncReport


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    for number in range(6):
        paint(rig.folder / f"{number}.png", (255 - 20 * number, 20 * number, 0))
        write(rig.folder / f"{number}.txt", f"{'red ' * number}{'blue ' * (6 - number)}.")
    rig.sync()
    yield rig
    rig.close()


def migrate(
    rig: Rig, encoder: LegibleEncoder, settings: Settings | None = None, **options: Any
) -> SyncReport:
    chosen = MigrationOptions(show_progress=False, **options)
    engine: Any = rig.engine
    job = MigrateJob(settings or rig.settings(), options=chosen)
    return job.run(engine=engine, encoder=encoder, live_encoder=LegibleEncoder())


def other(rig: Rig) -> CountingEncoder:
    return CountingEncoder(rig.world, model_id="legible-2")


def live(rig: Rig) -> str:
    return resolve_collection(rig.memory, "diptych").name


def test_after_a_rollback_the_kept_generation_is_caught_up_and_published_again(rig: Rig) -> None:
    migrate(rig, other(rig))
    roll_back(rig.memory, "diptych")
    paint(rig.folder / "late.png", (0, 0, 255))
    write(rig.folder / "0.txt", "green green.")
    (rig.folder / "5.png").unlink()
    rig.sync()
    encoder = other(rig)
    report = migrate(rig, encoder, evaluates=False)
    assert (live(rig), report.collection) == ("diptych__g002", "diptych__g002")
    counts = report.counts
    assert (counts.added, counts.updated, counts.deleted, encoder.encoded) == (1, 1, 1, 2)
    assert read_points(rig.memory).keys() == read_points(rig.memory, "diptych__g001").keys()
    assert roll_back(rig.memory, "diptych") == ("diptych__g001", "diptych__g002")


def test_the_way_back_to_the_first_model_encodes_nothing(rig: Rig) -> None:
    migrate(rig, other(rig))
    encoder = CountingEncoder(rig.world)
    report = migrate(rig, encoder, evaluates=False)
    assert (live(rig), encoder.encoded, report.counts.unchanged) == ("diptych__g001", 0, 12)


def test_a_kept_generation_of_another_policy_stays_as_it_is(rig: Rig) -> None:
    migrate(rig, other(rig), keep=2)
    kept = read_points(rig.memory, "diptych__g001")
    migrate(rig, CountingEncoder(rig.world), rig.settings(chunk_overlap_tokens=3), keep=2)
    assert live(rig) == "diptych__g003"
    assert read_points(rig.memory, "diptych__g001") == kept


def test_a_rollback_may_go_to_one_that_was_being_caught_up(rig: Rig) -> None:
    migrate(rig, other(rig))
    paint(rig.folder / "late.png", (0, 0, 255))
    stopping = Event()

    class Stopping(CountingEncoder):
        def encode_images(self, images: Any) -> Vectors:
            if len(images) == 1:  # no canary
                stopping.set()
            return super().encode_images(images)

    job = MigrateJob(rig.settings(), stopping=stopping)
    report = job.run(engine=rig.memory, encoder=Stopping(), live_encoder=other(rig))
    assert "interrupted" in report.notes[0]
    assert live(rig) == "diptych__g002"
    assert list_generations(rig.memory, "diptych")[0].is_building
    assert prune(rig.memory, "diptych", abandon=True) == []
    assert roll_back(rig.memory, "diptych") == ("diptych__g001", "diptych__g002")
    assert not list_generations(rig.memory, "diptych")[0].is_building
    report = rig.sync()
    assert (report.counts.unchanged, rig.encoder.encoded) == (13, 0)
    assert rig.found() == rig.truth()


@pytest.mark.parametrize("stride", [13, pytest.param(1, marks=pytest.mark.slow)])
def test_catching_up_that_dies_anywhere_is_finished_by_the_next_one(
    tmp_path: Path, stride: int
) -> None:
    died = 0
    for point in range(1, 10_000, stride):
        rig = Rig(tmp_path / str(point))
        paint(rig.folder / "a.png", (255, 0, 0))
        write(rig.folder / "c.txt", "blue " * 12)
        rig.sync()
        migrate(rig, other(rig))
        roll_back(rig.memory, "diptych")
        paint(rig.folder / "b.png", (0, 255, 0))
        rig.world.revive(dies_at=point)
        try:
            migrate(rig, other(rig))
        except Died:
            died += 1
        is_over = not rig.world.is_dead
        rig.world.revive()
        if is_over:
            break
        migrate(rig, other(rig))
        assert live(rig) == "diptych__g002", point
        assert rig.memory.count("diptych__g002").count == 4, point
        rig.close()
    assert died


@pytest.mark.parametrize("has_moved_in_place", [False, True])
@pytest.mark.parametrize("overlap", [None, 2, 3])
@pytest.mark.parametrize("model", [None, "legible-1", "legible-2"])
def test_there_is_nothing_to_do_where_the_points_are_as_asked_for(
    tmp_path: Path, model: str | None, overlap: int | None, *, has_moved_in_place: bool
) -> None:
    """The collection is of legible-1, its overlap noted as 2; a run may have made it 3 since."""
    rig = Rig(tmp_path)
    for number in range(3):
        write(rig.folder / f"{number}.txt", "green " * 20 + "red " * number)
    rig.sync()
    migrate(rig, CountingEncoder(rig.world))  # notes how it is made
    assert rig.memory.read_metadata("diptych")[POLICY]["chunk_overlap_tokens"] == 2
    if has_moved_in_place:
        options = SyncOptions(show_progress=False)
        SyncJob([], rig.settings(chunk_overlap_tokens=3), options=options).run(
            engine=rig.memory, encoder=CountingEncoder()
        )
    plain = rig.settings().model_dump(exclude_unset=True)
    del plain["chunk_overlap_tokens"]
    chosen: dict[str, Any] = {"chunk_overlap_tokens": overlap} if overlap else {}
    encoder = CountingEncoder(rig.world, model_id=model or "legible-1")
    report = migrate(rig, encoder, Settings(**plain, **chosen))
    wanted = overlap or 2
    is_same = encoder.space.model_id == "legible-1" and wanted == (3 if has_moved_in_place else 2)
    assert any("nothing to do" in note for note in report.notes) is is_same
    assert live(rig) == ("diptych__g001" if is_same else "diptych__g002")
    assert rig.memory.read_metadata("diptych")[POLICY]["chunk_overlap_tokens"] == wanted
    again = CountingEncoder(model_id=encoder.space.model_id)
    options = SyncOptions(show_progress=False)
    SyncJob([], Settings(**plain), options=options).run(engine=rig.memory, encoder=again)
    assert again.encoded == 0
    rig.close()


def test_only_what_another_policy_cuts_otherwise_is_encoded(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for number in range(3):
        paint(rig.folder / f"{number}.png", (255, number, 0))
    write(rig.folder / "short.txt", "green red.")
    write(rig.folder / "long.txt", " ".join(f"word{number}" for number in range(20)))
    write(rig.folder / "page.html", "<p>blue blue</p>")
    rig.sync()
    encoder = CountingEncoder(rig.world)
    settings = rig.settings(chunk_overlap_tokens=3)
    migrate(rig, encoder, settings, evaluates=False)
    assert live(rig) == "diptych__g002"
    assert read_points(rig.memory) == read_truth(rig.folder, settings)
    # The long text's first window is the same as well.
    windows = 4
    assert sum("long" in uri for uri in _read_uris(rig)) == windows
    assert encoder.encoded == windows - 1
    rig.close()


def test_figures_may_be_left_out_without_encoding_anything(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    write(rig.folder / "long.html", f"<p>{'green ' * 20}red.</p>")
    write(rig.folder / "page.html", '<p>blue blue</p><img src="a.png">')
    paint_large(rig.folder / "a.png", (255, 0, 0))
    rig.sync()
    encoder = CountingEncoder(rig.world)
    settings = rig.settings(figures=False)
    migrate(rig, encoder, settings, evaluates=False)
    assert read_points(rig.memory) == read_truth(rig.folder, settings)
    assert (live(rig), encoder.encoded) == ("diptych__g002", 0)
    rig.close()


def test_nothing_is_borrowed_of_a_model_that_has_drifted(tmp_path: Path) -> None:
    class Drifted(CountingEncoder):
        def encode_images(self, images: Any) -> Vectors:
            return np.roll(super().encode_images(images), 1, axis=1)

    rig = Rig(tmp_path)
    paint(rig.folder / "a.png", (255, 0, 0))
    write(rig.folder / "long.txt", "green " * 20 + "red.")
    rig.sync()
    encoder = Drifted(rig.world)
    migrate(rig, encoder, rig.settings(chunk_overlap_tokens=3), evaluates=False)
    assert encoder.encoded == rig.memory.count("diptych__g002").count
    rig.close()


def _read_uris(rig: Rig) -> list[str]:
    return [payload["source_uri"] for *_, payload in read_points(rig.memory).values()]


def paint_large(path: Path, colour: tuple[int, int, int]) -> None:
    """A picture that is large enough for a figure."""
    Image.new("RGB", (200, 200), colour).save(path)


def test_a_damaged_vector_is_not_borrowed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    paint(rig.folder / "a.png", (255, 0, 0))
    paint(rig.folder / "b.png", (0, 255, 0))
    write(rig.folder / "long.txt", " ".join(f"word{number}" for number in range(20)))
    rig.sync()
    collections = rig.memory._client._client._client.collections  # type: ignore[attr-defined]
    stored = collections["diptych__g001"]
    row = stored.ids[to_point_id("folder://photos/a.png", 0)]
    stored.vectors[""][row] = np.full(5, np.nan, dtype=np.float32)
    encoder = CountingEncoder(rig.world)
    settings = rig.settings(chunk_overlap_tokens=3)
    migrate(rig, encoder, settings, evaluates=False)
    assert read_points(rig.memory) == read_truth(rig.folder, settings)
    windows = sum("long" in uri for uri in _read_uris(rig))
    assert encoder.encoded == 1 + windows - 1
    rig.close()


def test_a_refused_migration_takes_nothing_from_a_generation_that_is_kept(rig: Rig) -> None:
    migrate(rig, other(rig))
    kept = read_points(rig.memory, "diptych__g001")
    rig.folder.rename(rig.folder.with_name("unmounted"))
    rig.folder.mkdir()
    with pytest.raises(MigrationRefused, match=r"is empty.*is a disk not mounted"):
        migrate(rig, CountingEncoder(rig.world), evaluates=False)
    assert read_points(rig.memory, "diptych__g001") == kept
    roll_back(rig.memory, "diptych")
    assert read_points(rig.memory) == kept


def test_what_the_live_generation_has_lost_may_go_from_a_kept_one(rig: Rig) -> None:
    migrate(rig, other(rig))
    roll_back(rig.memory, "diptych")
    for number in range(1, 6):
        for suffix in ("png", "txt"):
            (rig.folder / f"{number}.{suffix}").unlink()
    paint(rig.folder / "more.png", (0, 0, 255))
    (rig.folder / "0.txt").unlink()
    assert rig.sync().exit_code == 5
    with pytest.raises(MigrationRefused, match="11 of 12 items are gone"):
        migrate(rig, other(rig), evaluates=False)
    assert rig.sync(allow_mass_delete=True).exit_code == 0
    report = migrate(rig, other(rig), evaluates=False)
    assert (live(rig), report.counts.deleted, report.points) == ("diptych__g002", 11, 2)


def test_going_on_without_what_vanished_must_be_allowed_by_name(rig: Rig) -> None:
    migrate(rig, other(rig))
    for path in rig.folder.iterdir():
        path.unlink()
    with pytest.raises(MigrationRefused, match="--allow-missing"):
        migrate(rig, CountingEncoder(rig.world), evaluates=False, force=True)
    report = migrate(rig, CountingEncoder(rig.world), evaluates=False, allow_missing=True)
    assert (live(rig), report.points) == ("diptych__g001", 0)
