"""Wire path, not server behaviour: the real client and our writer against a loopback server."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING

import pytest
from qdrant_client import models

from ingest.store.connect import connect
from ingest.store.patience import Patience
from ingest.store.writer import Writer
from schemas.errors import (
    CollectionMissing,
    StoreRejected,
    StoreTimeout,
    StoreUnavailable,
)
from tests.ingest.store.loopback import Fault, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine

QUICK = Patience(attempts=6, total_seconds=20, first_wait_seconds=0.01, max_wait_seconds=0.05)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(params=["gRPC", "REST"])
def engine(request: pytest.FixtureRequest, server: Server) -> Iterator[Engine]:
    with connect(
        server.url,
        api_key="a key",
        timeout_seconds=1,
        prefer_grpc=request.param == "gRPC",
        grpc_port=server.grpc_port,
    ) as connected:
        yield connected


@pytest.fixture
def writer(engine: Engine) -> Writer:
    return Writer(engine, "c", points_per_request=32, patience=QUICK)


def to_points(number: int) -> list[models.PointStruct]:
    return [
        models.PointStruct(id=i, vector=[1.0, i, 0.5, 0.0], payload={"page": i})
        for i in range(number)
    ]


def test_all_points_arrive_once_in_batches(server: Server, writer: Writer) -> None:
    assert writer.upsert(iter(to_points(100))) == 100
    assert server.batches == [32, 32, 32, 4]
    assert server.stored == set(range(100))
    assert (writer.counts.requests, writer.counts.retries) == (4, 0)


def test_the_api_key_comes_along_without_a_warning(server: Server, writer: Writer) -> None:
    writer.upsert(to_points(1))
    assert "a key" in server.keys


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, writer: Writer, status: int) -> None:
    server.faults.extend([Fault(status), Fault(status)])
    assert writer.upsert(to_points(40)) == 40
    assert server.batches == [32, 32, 32, 8]
    assert server.stored == set(range(40))
    assert (writer.counts.retries, writer.counts.splits) == (2, 0)


@pytest.mark.parametrize("status", [429, 503])
def test_the_servers_own_wait_is_honoured(server: Server, writer: Writer, status: int) -> None:
    server.faults.append(Fault(status, retry_after="1"))
    started = time.monotonic()
    writer.upsert(to_points(1))
    assert time.monotonic() - started >= 1.0


def test_a_wait_that_is_no_number_of_seconds_is_none(server: Server, writer: Writer) -> None:
    server.faults.append(Fault(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"))
    assert writer.upsert(to_points(1)) == 1


def test_a_wait_beyond_patience_ends_at_once(server: Server, engine: Engine) -> None:
    server.faults.append(Fault(429, retry_after="3600"))
    with pytest.raises(StoreUnavailable) as caught:
        Writer(engine, "c", patience=QUICK).upsert(to_points(1))
    assert caught.value.retry_after_seconds == 3600
    assert server.batches == [1]


def test_patience_ends_with_its_attempts(server: Server, writer: Writer) -> None:
    server.forever = Fault(503)
    with pytest.raises(StoreUnavailable, match="loopback says 503"):
        writer.upsert(to_points(1))
    assert len(server.batches) == QUICK.attempts
    assert (writer.counts.upserted, writer.counts.requests) == (0, QUICK.attempts)


@pytest.mark.parametrize("status", [400, 401])
def test_a_refusal_is_final(server: Server, writer: Writer, status: int) -> None:
    server.forever = Fault(status)
    with pytest.raises(StoreRejected, match=f"loopback says {status}"):
        writer.upsert(to_points(40))
    assert server.batches == [32]


def test_a_lost_acknowledgement_is_asked_for_again(server: Server, writer: Writer) -> None:
    server.faults.append(Fault(is_applied=True))
    assert writer.upsert(to_points(5)) == 5
    assert server.batches == [5, 5]
    assert server.stored == set(range(5))


def test_a_batch_that_times_out_is_split(server: Server, engine: Engine) -> None:
    server.forever = Fault(is_silent=True, above=12)
    writer = Writer(engine, "c", points_per_request=24, patience=QUICK)
    assert writer.upsert(to_points(40)) == 40
    assert server.stored == set(range(40))
    # 24 is too much and its halves are not; what follows starts at the smallest batch, 16.
    assert server.batches == [24, 12, 12, 16, 8, 8]
    assert (writer.counts.splits, writer.counts.retries) == (2, 0)


def test_a_single_point_that_times_out_is_retried(server: Server, engine: Engine) -> None:
    server.forever = Fault(is_silent=True)
    patience = Patience(attempts=2, total_seconds=20, first_wait_seconds=0.01)
    with pytest.raises(StoreTimeout):
        Writer(engine, "c", patience=patience).upsert(to_points(1))
    assert server.batches == [1, 1]


def test_a_batch_is_not_split_for_ever(server: Server, engine: Engine) -> None:
    server.forever = Fault(is_silent=True)
    patience = Patience(attempts=9, total_seconds=0.5)
    with pytest.raises(StoreTimeout):
        Writer(engine, "c", patience=patience).upsert(to_points(8))
    assert server.batches == [8]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.mark.parametrize("prefer_grpc", [True, False])
def test_no_server_is_unavailable(*, prefer_grpc: bool) -> None:
    with pytest.raises(StoreUnavailable, match="check that the server runs"):
        connect(
            f"http://127.0.0.1:{free_port()}",
            timeout_seconds=1,
            prefer_grpc=prefer_grpc,
            grpc_port=free_port(),
        )


def test_a_server_that_goes_away_is_waited_for(server: Server, writer: Writer) -> None:
    writer.upsert(to_points(1))
    server.faults.extend([Fault(503)] * (QUICK.attempts - 1))
    assert writer.upsert(to_points(2)) == 2


def test_an_older_server_is_pointed_out(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.version = "1.2.3"
    with caplog.at_level(logging.WARNING), connect(server.url, grpc_port=server.grpc_port):
        pass
    assert "runs Qdrant 1.2.3" in caplog.text


def test_metadata_survives_grpc(server: Server) -> None:
    metadata = {
        "schema_version": 1,
        "space": {"modalities": ["image", "text"], "revision": None, "ok": True},
        "canary": {"text": [[0.123456, -1.0], [0.0, 1e-6]]},
    }
    with connect(server.url, grpc_port=server.grpc_port) as engine:
        with pytest.raises(CollectionMissing, match="doesn't exist"):
            engine.get_collection("c")
        params = models.VectorParams(size=4, distance=models.Distance.COSINE)
        engine.create_collection("c", params, metadata=metadata)
        info = engine.get_collection("c")
    assert info.config.metadata == metadata
    assert info.config.params.vectors == params


def test_a_web_server_is_no_qdrant(server: Server) -> None:
    with (
        connect(server.url, prefer_grpc=False) as engine,
        pytest.raises(StoreRejected, match="not a Qdrant server's"),
    ):
        engine.get_collections()


def test_a_condition_comes_along_and_asks_for_one_order(server: Server, engine: Engine) -> None:
    condition = models.FieldCondition(key="holder", match=models.MatchValue(value="me"))
    engine.upsert("c", to_points(1), update_filter=models.Filter(must=[condition]))
    engine.upsert("c", to_points(1))
    assert server.conditions == [("me", "strong")]
