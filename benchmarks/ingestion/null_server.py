"""A gRPC server that says "done" to every write of points and keeps none.

It stands for a server that costs nothing, so that what is timed is the client's own work. A write
is answered without being parsed. Run as a module it serves until its standard input ends, and
prints its port: a process of its own shares no interpreter lock with the client it is to time.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import grpc
from qdrant_client import grpc as wire

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_MESSAGE_BYTES = 64 * 2**20
_UPSERT = "/qdrant.Points/Upsert"


class _Upserts(grpc.GenericRpcHandler):
    """Takes the bytes of a write and gives the bytes of an answer."""

    def __init__(self) -> None:
        done = wire.UpdateResult(operation_id=0, status=wire.UpdateStatus.Completed)
        answer = wire.PointsOperationResponse(result=done, time=0.0).SerializeToString()
        self._handler = grpc.unary_unary_rpc_method_handler(lambda _request, _context: answer)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        return self._handler if handler_call_details.method == _UPSERT else None


class _Points(wire.PointsServicer):
    """Empty for every reader."""

    def CreateFieldIndex(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        done = wire.UpdateResult(operation_id=0, status=wire.UpdateStatus.Completed)
        return wire.PointsOperationResponse(result=done, time=0.0)

    def Scroll(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        return wire.ScrollResponse(time=0.0)

    def Count(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        return wire.CountResponse(result=wire.CountResult(count=0), time=0.0)

    def Get(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        return wire.GetResponse(time=0.0)


class _Collections(wire.CollectionsServicer):
    """Remembers how collections were made and what they are also called."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._aliases: dict[str, str] = {}

    def Create(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        self._made[request.collection_name] = request
        return wire.CollectionOperationResponse(result=True, time=0.0)

    def CollectionExists(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - likewise
        is_there = wire.CollectionExists(exists=request.collection_name in self._made)
        return wire.CollectionExistsResponse(result=is_there, time=0.0)

    def List(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        names = [wire.CollectionDescription(name=name) for name in self._made]
        return wire.ListCollectionsResponse(collections=names, time=0.0)

    def UpdateAliases(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        for action in request.actions:
            made = action.create_alias
            self._aliases[made.alias_name] = made.collection_name
        return wire.CollectionOperationResponse(result=True, time=0.0)

    def ListAliases(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        aliases = [
            wire.AliasDescription(alias_name=alias, collection_name=name)
            for alias, name in self._aliases.items()
        ]
        return wire.ListAliasesResponse(aliases=aliases, time=0.0)

    def Get(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - protobuf's
        made = self._made.get(request.collection_name)
        if made is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Not found: {request.collection_name}")
        config = wire.CollectionConfig(
            params=wire.CollectionParams(vectors_config=made.vectors_config),
            hnsw_config=wire.HnswConfigDiff(m=16, ef_construct=100, full_scan_threshold=10_000),
            optimizer_config=wire.OptimizersConfigDiff(
                deleted_threshold=0.2,
                vacuum_min_vector_number=1_000,
                default_segment_number=0,
                flush_interval_sec=5,
            ),
            wal_config=wire.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0),
            metadata=made.metadata,
        )
        info = wire.CollectionInfo(
            status=wire.CollectionStatus.Green,
            optimizer_status=wire.OptimizerStatus(ok=True),
            config=config,
        )
        return wire.GetCollectionInfoResponse(result=info, time=0.0)


class _Qdrant(wire.QdrantServicer):
    def HealthCheck(self, request: Any, context: object) -> Any:  # noqa: N802, ARG002 - protobuf's
        return wire.HealthCheckReply(title="null", version=version("qdrant-client"))


def start() -> tuple[int, Callable[[], object]]:
    """Serve on a free port of this machine.

    Returns:
        The port, and what ends the service.
    """
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    server.add_generic_rpc_handlers((_Upserts(),))  # first, so that it is asked first
    # What protobuf generates has no types.
    wire.add_PointsServicer_to_server(_Points(), server)  # type: ignore[no-untyped-call]
    wire.add_CollectionsServicer_to_server(_Collections(), server)  # type: ignore[no-untyped-call]
    wire.add_QdrantServicer_to_server(_Qdrant(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return port, lambda: server.stop(0).wait()


def main() -> None:
    """Serve until standard input ends."""
    port, stop = start()
    print(port, flush=True)
    sys.stdin.read()
    stop()


if __name__ == "__main__":
    main()
