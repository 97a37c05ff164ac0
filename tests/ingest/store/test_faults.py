"""The writer and patient engines against a server that does what a Qdrant server does, badly."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest
from qdrant_client import models

from ingest.store.collections import ensure_collection, resolve_collection
from ingest.store.connect import connect
from ingest.store.patience import Patience
from ingest.store.retrying import with_retries, without_retries
from ingest.store.writer import Writer
from schemas.errors import CollectionMissing, StoreRejected, StoreUnavailable
from tests.ingest.store.samples import create
from tests.ingest.store.test_collections import CANARY, SPACE
from tests.loopback.faults import Fault, FaultPlan, is_write
from tests.loopback.server import Loopback, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine

QUICK = Patience(attempts=40, total_seconds=60, first_wait_seconds=0.01, max_wait_seconds=0.05)
MIX = {Fault.BUSY: 0.15, Fault.UNAVAILABLE: 0.15, Fault.RESET: 0.15, Fault.LOST: 0.15}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving() as running:
        yield running


@pytest.fixture
def engine(server: Loopback) -> Iterator[Engine]:
    with connect(server.url, prefer_grpc=False, timeout_seconds=1) as opened:
        create(opened, "c")
        yield opened


def to_points(number: int) -> list[models.PointStruct]:
    return [
        models.PointStruct(id=i, vector=[1.0, float(i), 0.5, 0.0], payload={"page": i})
        for i in range(number)
    ]


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_of_a_write_is_outlasted(server: Loopback, engine: Engine, fault: Fault) -> None:
    server.plan = FaultPlan(script=deque([None, fault, fault, None, fault]), concerns=is_write)
    assert Writer(engine, "c", points_per_request=32, patience=QUICK).upsert(to_points(500)) == 500
    assert server.plan.injected == {fault: 3}
    _check_points(engine)


@pytest.mark.parametrize("seed", range(5))
def test_a_mix_of_faults_is_outlasted(server: Loopback, engine: Engine, seed: int) -> None:
    server.plan = FaultPlan({**MIX, Fault.REFUSED: 0.05}, seed=seed, refused_seconds=0.05)
    patient = with_retries(engine, QUICK)
    writer = Writer(patient, "c", points_per_request=32, patience=QUICK)
    writer.upsert(to_points(600))
    assert writer.delete(list(range(500, 600))) == 100
    writer.set_payload({"seen": True}, [0])
    assert server.plan.injected.total() > 0
    _check_points(patient, seen={0})


def _check_points(engine: Engine, seen: frozenset[int] | set[int] = frozenset()) -> None:
    points, further = engine.scroll("c", limit=1_000)
    assert further is None
    found = {point.id: point.payload for point in points}
    assert found == {i: {"page": i, **({"seen": True} if i in seen else {})} for i in range(500)}


def test_reads_are_asked_again_only_by_a_patient_engine(server: Loopback, engine: Engine) -> None:
    server.plan.script.extend([Fault.BUSY] * 3)
    with pytest.raises(StoreUnavailable):
        engine.count("c")
    assert with_retries(engine, QUICK).count("c").count == 0
    assert server.plan.injected == {Fault.BUSY: 3}


def test_patience_ends(server: Loopback, engine: Engine) -> None:
    server.plan.rates = {Fault.UNAVAILABLE: 1.0}
    patience = Patience(attempts=3, first_wait_seconds=0.01)
    with pytest.raises(StoreUnavailable, match="503"):
        with_retries(engine, patience).count("c")
    assert server.plan.injected == {Fault.UNAVAILABLE: 3}


def test_what_is_refused_is_not_asked_again(server: Loopback, engine: Engine) -> None:
    patient = with_retries(engine, QUICK)
    before = len(server.requests)
    with pytest.raises(CollectionMissing):
        patient.count("nothing")
    with pytest.raises(StoreRejected, match="already exists"):
        create(patient, "c")
    assert len(server.requests) == before + 2


def test_the_writers_own_writes_are_not_retried_twice_over(
    server: Loopback, engine: Engine
) -> None:
    patient = with_retries(with_retries(engine, QUICK), QUICK)
    assert without_retries(patient) is engine
    server.plan.rates = {Fault.UNAVAILABLE: 1.0}
    writer = Writer(patient, "c", patience=Patience(attempts=3, first_wait_seconds=0.01))
    with pytest.raises(StoreUnavailable):
        writer.delete([1])
    assert server.plan.injected == {Fault.UNAVAILABLE: 3}


@pytest.mark.parametrize("seed", range(5))
def test_a_collection_is_made_though_answers_get_lost(server: Loopback, seed: int) -> None:
    with connect(server.url, prefer_grpc=False) as opened:
        server.plan = FaultPlan({Fault.LOST: 0.4, Fault.RESET: 0.2}, seed=seed)
        patient = with_retries(opened, QUICK)
        made = ensure_collection(patient, "photos", SPACE, CANARY)
        assert resolve_collection(patient, "photos") == made


def test_a_server_goes_back_to_a_snapshot(server: Loopback, engine: Engine) -> None:
    engine.upsert("c", to_points(3))
    engine.update_collection("c", metadata={"note": "a"})
    snapshot = server.store.snapshot()
    before = server.store.writes
    engine.delete("c", [1])
    engine.update_collection("c", metadata={"note": "b"})
    assert server.store.writes == before + 2
    for _ in range(2):
        server.store.restore(snapshot)
        assert engine.count("c").count == 3
        assert engine.read_metadata("c")["note"] == "a"
        engine.delete("c", [2])


def test_an_outage_ends_on_the_same_port(server: Loopback, engine: Engine) -> None:
    server.refuse()
    with pytest.raises(StoreUnavailable, match="refused"):
        engine.count("c")
    server.accept()
    assert engine.count("c").count == 0
