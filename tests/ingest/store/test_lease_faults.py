"""Leases on a store that fails, is too old, or was tampered with."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING

import pytest

from ingest.store.collections import LEASES
from ingest.store.connect import connect
from ingest.store.lease import Lease, hold
from ingest.store.lease_point import LeasePoint, Standing
from schemas.errors import LockHeld, StoreRejected, StoreTimeout, StoreUnavailable
from tests.ingest.store.two_machines import GENERATION, SECONDS, START, World, read, to_lease

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


def test_outages_are_borne_for_as_long_as_the_lease(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = to_lease(engine, world, "here")
    lease.take()

    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(engine, "upsert", refuse)
        with pytest.raises(StoreUnavailable):
            lease.beat()
        world.sleep(SECONDS - 1)
        lease.check()
        world.sleep(1)
        with pytest.raises(StoreUnavailable):
            lease.check()
    lease.check()
    with monkeypatch.context() as away:
        away.setattr(engine, "upsert", refuse)
        lease.release()
    assert read(engine).place == "here"


def test_an_answer_that_got_lost_does_not_lose_the_lease(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert = engine.upsert
    lost: list[bool] = []

    def applied(name: str, points: list[models.PointStruct], **options: object) -> object:
        result = upsert(name, points, **options)  # type: ignore[arg-type]
        if not lost:
            lost.append(True)
            raise StoreTimeout("no answer")
        return result

    monkeypatch.setattr(engine, "upsert", applied)
    lease = to_lease(engine, world, "here")
    lease.take()
    lease.check()
    assert (read(engine).place, read(engine).epoch) == ("here", 1)


def test_a_server_that_ignores_conditions_is_refused(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert = engine.upsert

    def old(name: str, points: list[models.PointStruct], **_: object) -> object:
        return upsert(name, points)

    monkeypatch.setattr(engine, "upsert", old)
    with pytest.raises(StoreRejected, match=r"1\.16"):
        to_lease(engine, world, "here").take()


def test_a_damaged_point_is_named(engine: Engine, world: World) -> None:
    to_lease(engine, world, "here").take()
    (record,), _ = engine.scroll(LEASES)
    engine.set_payload(LEASES, {"epoch": "many"}, [record.id])
    with pytest.raises(StoreRejected, match="damaged"):
        to_lease(engine, world, "here").take()


def test_a_time_that_is_none_is_no_age() -> None:
    standing = Standing(beat_at="yesterday")
    assert math.isnan(standing.age_seconds(START))
    assert math.isnan(replace(standing, beat_at="2026-01-01").age_seconds(START))


def test_a_block_beats_and_releases(engine: Engine) -> None:
    lease = Lease(engine, GENERATION, place="here", seconds=0.03)
    with hold(lease):
        while read(engine).beats < 3:
            sleep(0.01)
        assert read(engine).place == "here"
    assert read(engine).is_free
    with pytest.raises(LockHeld, match="let go"):
        lease.check()


def test_a_beat_that_took_longer_than_the_lease_does_not_count(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = to_lease(engine, world, "here")
    lease.take()
    world.sleep(SECONDS)
    slow = LeasePoint.read
    answers: list[Standing] = []

    def read_slowly(point: LeasePoint) -> Standing:
        answers.append(slow(point))
        world.sleep(SECONDS)
        return answers[-1]

    with monkeypatch.context() as busy:
        busy.setattr(LeasePoint, "read", read_slowly)
        with pytest.raises(StoreUnavailable, match=GENERATION):
            lease.check()
    lease.check()
    assert read(engine).beats > len(answers)


def test_a_replica_that_lags_behind_confirms_no_beat(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = to_lease(engine, world, "here")
    lease.take()
    lagging = read(engine)
    world.sleep(SECONDS)
    to_lease(engine, world, "there", timedelta(days=365)).take()
    with monkeypatch.context() as stale:
        stale.setattr(LeasePoint, "read", lambda _: lagging)
        with pytest.raises(StoreUnavailable, match=GENERATION):
            lease.check()
    with pytest.raises(LockHeld, match="process"):
        lease.check()
