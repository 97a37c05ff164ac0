"""A migration: built beside, compared, swapped; refused when it finds less; resumed when killed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingest.assembly import to_fingerprints
from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.store.collections import resolve_collection
from ingest.store.generations import list_generations, roll_back
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.errors import MigrationRefused
from schemas.settings import Settings
from schemas.space import Role
from tests.legible import LegibleEncoder
from tests.sync_rig import CountingEncoder, Died, Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.space import Vectors
    from schemas.sync_report import SyncReport


class BlindEncoder(LegibleEncoder):
    """Everything looks the same to it."""

    def encode_images(self, images: Any) -> Vectors:
        return self._same(len(images))

    def encode_texts(self, texts: Any, role: Role) -> Vectors:  # noqa: ARG002 - the protocol's
        return self._same(len(texts))

    def _same(self, count: int) -> Vectors:
        return np.tile(np.asarray([[0, 0, 0, 0, 1]], dtype=np.float32), (count, 1))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    for index in range(12):
        paint(rig.folder / f"{index}.png", (255 - 20 * index, 20 * index, 0))
    for index in range(12):
        write(rig.folder / "texts" / f"{index}.txt", f"{'red ' * index}{'blue ' * (12 - index)}.")
    rig.sync()
    yield rig
    rig.close()


def migrate(rig: Rig, encoder: LegibleEncoder | None = None, **options: Any) -> SyncReport:
    chosen = MigrationOptions(show_progress=False, **options)
    engine: Any = rig.engine
    job = MigrateJob(rig.settings(), options=chosen)
    return job.run(
        engine=engine,
        encoder=encoder or CountingEncoder(rig.world, model_id="legible-2"),
        live_encoder=LegibleEncoder(),
    )


def live(rig: Rig) -> str:
    return resolve_collection(rig.memory, "diptych").name


def test_the_new_generation_takes_the_place_of_the_old_one(rig: Rig) -> None:
    report = migrate(rig)
    assert live(rig) == "diptych__g002"
    assert resolve_collection(rig.memory, "diptych").space.model_id == "legible-2"
    assert report.points == rig.memory.count("diptych__g001").count
    assert any("recall@10" in note for note in report.notes)
    assert [one.name for one in list_generations(rig.memory, "diptych")] == [
        "diptych__g001",
        "diptych__g002",
    ]


def test_a_schedule_goes_on_with_the_new_generation_and_finds_nothing_to_do(rig: Rig) -> None:
    migrate(rig)
    encoder = CountingEncoder(model_id="legible-2")
    job = SyncJob([], rig.settings(), options=SyncOptions(show_progress=False))
    report = job.run(engine=rig.memory, encoder=encoder)
    assert (report.collection, report.rebuilt) == ("diptych__g002", False)
    assert (report.counts.unchanged, encoder.encoded) == (24, 0)


def test_a_schedule_keeps_to_the_policy_that_was_migrated_to(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for number in range(4):
        write(rig.folder / f"{number}.txt", "green " * 40 + "red " * number)
    paint(rig.folder / "a.png", (255, 0, 0))
    rig.sync()
    plain = rig.settings().model_dump(exclude_unset=True)
    del plain["chunk_overlap_tokens"]
    options = MigrationOptions(show_progress=False)
    MigrateJob(rig.settings(chunk_overlap_tokens=3), options=options).run(
        engine=rig.memory, encoder=CountingEncoder(), live_encoder=LegibleEncoder()
    )
    assert live(rig) == "diptych__g002"
    encoder = CountingEncoder()
    job = SyncJob([], Settings(**plain), options=SyncOptions(show_progress=False))
    report = job.run(engine=rig.memory, encoder=encoder)
    assert (report.counts.unchanged, encoder.encoded) == (5, 0)
    rig.close()


def test_rolling_back_and_catching_up(rig: Rig) -> None:
    migrate(rig)
    paint(rig.folder / "late.png", (0, 0, 255))
    assert roll_back(rig.memory, "diptych") == ("diptych__g001", "diptych__g002")
    report = rig.sync()
    assert (report.counts.added, rig.encoder.encoded) == (1, 1)
    assert rig.found() == rig.truth()


def test_one_that_finds_less_is_refused_and_the_live_one_stays(rig: Rig) -> None:
    with pytest.raises(MigrationRefused, match=r"recall@10 on \d+ questions"):
        migrate(rig, BlindEncoder(model_id="blind"))
    assert live(rig) == "diptych__g001"
    with pytest.raises(MigrationRefused, match="--force"):
        migrate(rig, BlindEncoder(model_id="blind"), allow_missing=True)
    report = migrate(rig, BlindEncoder(model_id="blind"), force=True)
    assert live(rig) == "diptych__g002"
    assert any("--force" in note for note in report.notes)


def test_migrating_to_what_is_there_does_nothing(rig: Rig) -> None:
    migrate(rig)
    report = migrate(rig)
    assert live(rig) == "diptych__g002"
    assert "nothing to do" in report.notes[0]


def test_old_generations_go_but_one(rig: Rig) -> None:
    migrate(rig)
    migrate(rig, CountingEncoder(model_id="legible-3"))
    names = [one.name for one in list_generations(rig.memory, "diptych")]
    assert names == ["diptych__g002", "diptych__g003"]
    assert not (rig.state / "ledger" / "diptych__g001.sqlite").exists()


def test_what_is_added_during_the_build_is_in_it(rig: Rig) -> None:
    class Adding(CountingEncoder):
        def encode_images(self, images: Any) -> Vectors:
            if not (rig.folder / "late.png").exists():
                paint(rig.folder / "late.png", (0, 0, 255))
            return super().encode_images(images)

    report = migrate(rig, Adding(model_id="legible-2"))
    assert report.counts.added == 25
    assert report.points == rig.memory.count("diptych__g001").count + 1


@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_a_migration_that_dies_anywhere_is_finished_by_the_next_one(
    tmp_path: Path, stride: int
) -> None:
    died = 0
    for point in range(1, 10_000, stride):
        rig = Rig(tmp_path / str(point))
        paint(rig.folder / "a.png", (255, 0, 0))
        paint(rig.folder / "b.png", (0, 255, 0))
        write(rig.folder / "c.txt", "blue " * 12)
        rig.sync()
        rig.world.revive(dies_at=point)
        encoder = CountingEncoder(rig.world, model_id="legible-2")
        try:
            migrate(rig, encoder)
        except Died:
            died += 1
        is_over = not rig.world.is_dead
        rig.world.revive()
        if is_over:
            break
        migrate(rig, CountingEncoder(model_id="legible-2"))
        generation = resolve_collection(rig.memory, "diptych")
        assert generation.space.model_id == "legible-2", point
        assert generation.name == "diptych__g002", point
        assert rig.memory.count(generation.name).count == rig.memory.count("diptych__g001").count
        rig.close()
    assert died


def test_a_reader_never_sees_a_gap_or_a_mixture(rig: Rig) -> None:
    """It resolves the alias at every query, more often than any searcher does."""
    encoders = {f"legible-{n}": LegibleEncoder(model_id=f"legible-{n}") for n in (1, 2, 3)}
    settings = rig.settings()
    over = threading.Event()
    answers: list[tuple[str, int, bool]] = []
    errors: list[BaseException] = []

    def read() -> None:
        try:
            while not over.is_set():
                found = resolve_collection(rig.memory, "diptych")
                vector = encoders[found.space.model_id].encode_texts(["red"], Role.QUERY)[0]
                points = rig.memory.query_points(found.name, vector.tolist(), limit=5).points
                made = {(point.payload or {})["fingerprint"] for point in points}
                own = {found.space.fingerprint, to_fingerprints(settings, found.space).of_text}
                answers.append((found.name, len(points), made <= own))
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    def wait_for(name: str) -> None:
        """Until the reader, which may not have had its turn, was answered by this generation."""
        deadline = time.monotonic() + 30
        while name not in {found for found, *_ in answers} and not errors:
            assert time.monotonic() < deadline, name
            time.sleep(0.01)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        wait_for("diptych__g001")
        migrate(rig, keep=2)
        migrate(rig, CountingEncoder(model_id="legible-3"), keep=2)
        wait_for("diptych__g003")
    finally:
        over.set()
        reader.join()
    assert not errors
    assert all(count == 5 and is_pure for _, count, is_pure in answers)
