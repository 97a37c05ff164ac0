"""A loopback server that speaks just enough of Qdrant's two protocols to be written to.

It stands for the *wire*: what reaches it, in how many requests, and what a client makes of slow,
broken and unfriendly answers. It says nothing about how a Qdrant server behaves: it stores ids,
and knows no filters, no vectors and no search.

Import it as ``from tests.ingest.store.loopback import ...``.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import grpc
from qdrant_client import grpc as wire

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = version("qdrant-client")


@dataclass(frozen=True)
class Fault:
    """How one writing request fares.

    Attributes:
        status: HTTP status; gRPC answers with the code of the same meaning.
        retry_after: Header of that name (metadata in gRPC).
        is_applied: Whether the points are stored all the same: the acknowledgement gets lost.
        is_silent: No answer at all until the server ends.
        above: Only for batches of more points than this.
    """

    status: int = 503
    retry_after: str | None = None
    is_applied: bool = False
    is_silent: bool = False
    above: int = 0


CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


@dataclass
class Server:
    """What the server was sent, and how it is to answer.

    Attributes:
        rest_port: Of its REST side.
        grpc_port: Of its gRPC side.
        faults: What becomes of the next writing requests, in order; then all is well.
        forever: What becomes of every writing request, when not None.
        stored: Ids of the points written.
        batches: Points a writing request brought, in order of arrival.
        keys: API keys that came along.
        conditions: Of conditional writes: the value asked for, and the ordering.
        version: What it says when asked.
    """

    rest_port: int = 0
    grpc_port: int = 0
    faults: deque[Fault] = field(default_factory=deque)
    forever: Fault | None = None
    stored: set[int] = field(default_factory=set)
    batches: list[int] = field(default_factory=list)
    keys: set[str | bytes | None] = field(default_factory=set)
    conditions: list[tuple[str, str]] = field(default_factory=list)
    version: str = VERSION
    metadata: Any = None
    ended: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.rest_port}"

    def take(self, ids: list[int]) -> Fault | None:
        """Note a batch; its fault, if it has one."""
        with self._turn:
            self.batches.append(len(ids))
            fault = self.forever or (self.faults.popleft() if self.faults else None)
            if fault and len(ids) <= fault.above:
                fault = None
            if fault is None or fault.is_applied:
                self.stored.update(ids)
        if fault and fault.is_silent:
            self.ended.wait(30)
        return fault


@contextmanager
def serving() -> Iterator[Server]:
    """A server on two free ports of this machine, until the end of the block."""
    server = Server()
    rest = ThreadingHTTPServer(("127.0.0.1", 0), _rest_handler(server))
    rest.daemon_threads = True
    rpc = grpc.server(ThreadPoolExecutor(8))
    # What protobuf generates has no types.
    wire.add_PointsServicer_to_server(_Points(server), rpc)  # type: ignore[no-untyped-call]
    wire.add_CollectionsServicer_to_server(  # type: ignore[no-untyped-call]
        _Collections(server), rpc
    )
    wire.add_QdrantServicer_to_server(_Qdrant(server), rpc)  # type: ignore[no-untyped-call]
    server.rest_port = rest.server_address[1]
    server.grpc_port = rpc.add_insecure_port("127.0.0.1:0")
    thread = threading.Thread(target=rest.serve_forever, args=(0.02,))
    thread.start()
    rpc.start()
    try:
        yield server
    finally:
        server.ended.set()
        rest.shutdown()
        thread.join()
        rest.server_close()
        rpc.stop(0).wait()


def _rest_handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.keys.add(self.headers.get("api-key"))
            if self.path.startswith("/aliases"):
                self._answer(200, {"result": {"aliases": []}, "status": "ok", "time": 0})
            else:
                self._answer(200, {"title": "loopback", "version": server.version})

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = json.loads(body)
            points = request["points"]
            if condition := request.get("update_filter"):
                ordering = parse_qs(urlsplit(self.path).query)["ordering"][0]
                server.conditions.append((condition["must"][0]["match"]["value"], ordering))
            fault = server.take([point["id"] for point in points])
            done = {"operation_id": 0, "status": "completed"}
            if fault is None:
                self._answer(200, {"result": done, "status": "ok", "time": 0.0})
            elif fault.is_silent or fault.is_applied:
                self.close_connection = True  # without a word
            else:
                text = {"status": {"error": f"loopback says {fault.status}"}, "time": 0.0}
                self._answer(fault.status, text, fault.retry_after)

        def _answer(self, status: int, content: object, retry_after: str | None = None) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


class _Points(wire.PointsServicer):
    def __init__(self, server: Server) -> None:
        self._server = server

    def Upsert(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - protobuf's
        self._server.keys.add(dict(context.invocation_metadata()).get("api-key"))
        if request.HasField("update_filter"):
            value = request.update_filter.must[0].field.match.keyword
            ordering = wire.WriteOrderingType.Name(request.ordering.type).lower()
            self._server.conditions.append((value, ordering))
        fault = self._server.take([point.id.num for point in request.points])
        if fault is not None:
            if fault.retry_after is not None:
                context.set_trailing_metadata((("retry-after", fault.retry_after),))
            code = grpc.StatusCode.UNAVAILABLE if fault.is_applied else CODES[fault.status]
            context.abort(code, f"loopback says {fault.status}")
        done = wire.UpdateResult(operation_id=0, status=wire.UpdateStatus.Completed)
        return wire.PointsOperationResponse(result=done, time=0.0)


class _Collections(wire.CollectionsServicer):
    """Gives back the configuration that a collection was made with."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def Create(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        self._server.metadata = request.metadata
        return wire.CollectionOperationResponse(result=True, time=0.0)

    def Get(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - protobuf's
        if self._server.metadata is None:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"Not found: Collection `{request.collection_name}` doesn't exist!",
            )
        vectors = wire.VectorParams(size=4, distance=wire.Distance.Cosine)
        config = wire.CollectionConfig(
            params=wire.CollectionParams(vectors_config=wire.VectorsConfig(params=vectors)),
            hnsw_config=wire.HnswConfigDiff(m=16, ef_construct=128, full_scan_threshold=10_000),
            optimizer_config=wire.OptimizersConfigDiff(
                deleted_threshold=0.2,
                vacuum_min_vector_number=1_000,
                default_segment_number=0,
                flush_interval_sec=5,
            ),
            wal_config=wire.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0),
            metadata=self._server.metadata,
        )
        info = wire.CollectionInfo(
            status=wire.CollectionStatus.Green,
            optimizer_status=wire.OptimizerStatus(ok=True),
            config=config,
        )
        return wire.GetCollectionInfoResponse(result=info, time=0.0)


class _Qdrant(wire.QdrantServicer):
    def __init__(self, server: Server) -> None:
        self._server = server

    def HealthCheck(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        return wire.HealthCheckReply(title="loopback", version=self._server.version)
