"""Leases: two machines, one store, clocks that lie."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest

from ingest.store.collections import LEASES
from ingest.store.connect import connect
from ingest.store.lease import Lease
from schemas.errors import LockHeld
from tests.ingest.store.two_machines import GENERATION, SECONDS, World, read, to_lease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qdrant_client import models

    from ingest.store.engine import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    with connect(":memory:") as opened:
        yield opened


@pytest.fixture
def world() -> World:
    return World()


def test_a_free_lease_is_taken_and_says_who_has_it(engine: Engine, world: World) -> None:
    first = to_lease(engine, world, "here")
    first.take()
    first.check()
    standing = read(engine)
    assert (standing.place, standing.epoch, standing.beats) == ("here", 1, 1)
    assert standing.beat_at == "2026-01-01T00:00:00+00:00"
    first.release()
    assert read(engine).is_free
    second = to_lease(engine, world, "there")
    second.take()
    assert (read(engine).place, read(engine).epoch) == ("there", 2)
    assert world.seconds == 0


def test_another_generation_has_another_lease(engine: Engine, world: World) -> None:
    to_lease(engine, world, "here").take()
    Lease(engine, "photos__g002", place="there", seconds=SECONDS, clock=world.clock()).take()
    assert engine.count(LEASES).count == 2


def test_a_fresh_one_of_another_machine_is_held_at_once(engine: Engine, world: World) -> None:
    to_lease(engine, world, "there").take()
    world.sleep(SECONDS)
    with pytest.raises(LockHeld, match="one run at a time") as held:
        to_lease(engine, world, "here").take()
    assert held.value.exit_code == 75
    assert world.seconds == SECONDS
    assert read(engine).place == "there"


def test_the_same_place_takes_over_at_once(engine: Engine, world: World) -> None:
    dead = to_lease(engine, world, "here")
    dead.take()
    to_lease(engine, world, "here").take()
    assert (read(engine).epoch, world.seconds) == (2, 0)
    with pytest.raises(LockHeld, match=GENERATION):
        dead.beat()
    with pytest.raises(LockHeld, match=GENERATION):
        dead.check()


def test_a_silent_one_is_taken_over_after_a_lease_of_watching(engine: Engine, world: World) -> None:
    dead = to_lease(engine, world, "there")
    dead.take()
    world.sleep(SECONDS + 1)
    to_lease(engine, world, "here").take()
    assert world.seconds == pytest.approx(2 * SECONDS + 1)
    assert (read(engine).place, read(engine).epoch) == ("here", 2)
    with pytest.raises(LockHeld, match=GENERATION):  # it was silent for too long, so it asks
        dead.check()


@pytest.mark.parametrize("days", [-366, 366])
def test_a_clock_off_by_a_year_gives_no_second_writer(
    engine: Engine, world: World, days: int
) -> None:
    alive = to_lease(engine, world, "there", timedelta(days=days))
    alive.take()
    for at in (20, 40, 60):
        world.events.append((at, alive.beat))
    with pytest.raises(LockHeld, match="one run at a time"):
        to_lease(engine, world, "here").take()
    assert 20 <= world.seconds < 40
    alive.check()
    assert read(engine).place == "there"


@pytest.mark.parametrize("days", [-366, 366])
def test_a_dead_one_whose_clock_was_off_costs_one_lease(
    engine: Engine, world: World, days: int
) -> None:
    to_lease(engine, world, "there", timedelta(days=days)).take()
    to_lease(engine, world, "here").take()
    assert world.seconds == pytest.approx(SECONDS)
    assert read(engine).place == "here"


def test_the_longer_lease_of_the_two_counts(engine: Engine, world: World) -> None:
    slow = Lease(engine, GENERATION, place="there", seconds=600, clock=world.clock())
    slow.take()
    world.sleep(SECONDS + 1)
    with pytest.raises(LockHeld, match="one run at a time"):
        to_lease(engine, world, "here").take()


def test_a_beat_between_the_last_look_and_the_claim_keeps_it(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = to_lease(engine, world, "there")
    alive.take()
    world.sleep(SECONDS + 1)
    upsert = engine.upsert
    woken: list[bool] = []

    def late(name: str, points: list[models.PointStruct], **options: object) -> object:
        if not woken:
            woken.append(True)
            alive.beat()
        return upsert(name, points, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "upsert", late)
    with pytest.raises(LockHeld, match="one run at a time"):
        to_lease(engine, world, "here").take()
    assert (read(engine).place, read(engine).epoch) == ("there", 1)


def test_one_that_is_released_while_it_is_watched_is_taken(engine: Engine, world: World) -> None:
    leaving = to_lease(engine, world, "there", timedelta(days=366))
    leaving.take()
    world.events.append((11, leaving.release))
    to_lease(engine, world, "here").take()
    assert world.seconds < 20
    assert (read(engine).place, read(engine).epoch) == ("here", 2)


def test_of_two_that_want_a_free_one_one_gets_it(engine: Engine, world: World) -> None:
    to_lease(engine, world, "here")._point.ensure_collection()
    for attempt in range(50):
        leases = [
            Lease(engine, f"c__g{attempt:03d}", place=place, seconds=60, clock=world.clock())
            for place in ("here", "there")
        ]
        start = Barrier(2)
        won: list[Lease] = []
        lost: list[Lease] = []

        def race(lease: Lease, start: Barrier, won: list[Lease], lost: list[Lease]) -> None:
            start.wait()
            try:
                lease.take()
            except LockHeld:
                lost.append(lease)
            else:
                won.append(lease)

        threads = [Thread(target=race, args=(lease, start, won, lost)) for lease in leases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 1)
        won[0].beat()


def test_a_suspended_run_does_not_write_again(engine: Engine, world: World) -> None:
    suspended = to_lease(engine, world, "there")
    suspended.take()
    world.sleep(10 * SECONDS)
    to_lease(engine, world, "here").take()
    with pytest.raises(LockHeld, match="one run at a time"):
        suspended.check()


def test_a_suspended_run_that_nobody_replaced_goes_on(engine: Engine, world: World) -> None:
    suspended = to_lease(engine, world, "there")
    suspended.take()
    world.sleep(10 * SECONDS)
    suspended.check()
    assert (read(engine).epoch, read(engine).beats) == (1, 2)
    suspended.check()
    assert read(engine).beats == 2  # heard of, so it need not ask


def test_a_stranger_releases_nothing(engine: Engine, world: World) -> None:
    old, new = to_lease(engine, world, "here"), to_lease(engine, world, "here")
    old.release()
    old.take()
    new.take()
    standing = read(engine)
    old.release()
    to_lease(engine, world, "there").release()
    assert read(engine) == standing
    new.beat()
