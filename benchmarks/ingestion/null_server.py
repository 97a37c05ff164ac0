"""A gRPC server that says "done" to every write of points and keeps none.

It stands for a server that costs nothing, so that what is timed is the client's own work. A write
is answered without being parsed. Run as a module it serves until its standard input ends, and
prints its port: a process of its own shares no interpreter lock with the client it is to time.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from qdrant_client import grpc as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MAX_MESSAGE_BYTES = 64 * 2**20
_WRITTEN = wire.PointsOperationResponse(
    result=wire.UpdateResult(operation_id=0, status=wire.UpdateStatus.Completed), time=0.0
)
_DONE = wire.CollectionOperationResponse(result=True, time=0.0)


class NullQdrant(grpc.GenericRpcHandler):
    """Knows how its collections were made and what they are also called; every one is empty."""

    def __init__(self) -> None:
        """No collection yet."""
        self._made: dict[str, wire.CreateCollection] = {}
        self._aliases: dict[str, str] = {}
        written = _WRITTEN.SerializeToString()
        parsed: dict[str, tuple[Any, Callable[[Any], Any]]] = {
            "Points/CreateFieldIndex": (wire.CreateFieldIndexCollection, lambda _: _WRITTEN),
            "Points/Scroll": (wire.ScrollPoints, lambda _: wire.ScrollResponse(time=0.0)),
            "Points/Count": (wire.CountPoints, lambda _: wire.CountResponse(time=0.0)),
            "Points/Get": (wire.GetPoints, lambda _: wire.GetResponse(time=0.0)),
            "Collections/Create": (wire.CreateCollection, self._create),
            "Collections/CollectionExists": (wire.CollectionExistsRequest, self._exists),
            "Collections/List": (wire.ListCollectionsRequest, self._list),
            "Collections/Get": (wire.GetCollectionInfoRequest, self._get),
            "Collections/UpdateAliases": (wire.ChangeAliases, self._alias),
            "Collections/ListAliases": (wire.ListAliasesRequest, self._list_aliases),
            "Qdrant/HealthCheck": (wire.HealthCheckRequest, _say_version),
        }
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            f"/qdrant.{name}": _to_handler(*pair) for name, pair in parsed.items()
        }
        # Bytes in, bytes out.
        unparsed: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            lambda _request, _context: written
        )
        self._handlers["/qdrant.Points/Upsert"] = unparsed

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """What answers a method, None for one that nobody here calls."""
        return self._handlers.get(handler_call_details.method)

    def _create(self, request: wire.CreateCollection) -> wire.CollectionOperationResponse:
        self._made[request.collection_name] = request
        return _DONE

    def _exists(self, request: wire.CollectionExistsRequest) -> wire.CollectionExistsResponse:
        is_there = request.collection_name in self._made
        return wire.CollectionExistsResponse(result=wire.CollectionExists(exists=is_there))

    def _list(self, _: wire.ListCollectionsRequest) -> wire.ListCollectionsResponse:
        names = [wire.CollectionDescription(name=name) for name in self._made]
        return wire.ListCollectionsResponse(collections=names, time=0.0)

    def _alias(self, request: wire.ChangeAliases) -> wire.CollectionOperationResponse:
        for action in request.actions:
            made = action.create_alias
            self._aliases[made.alias_name] = made.collection_name
        return _DONE

    def _list_aliases(self, _: wire.ListAliasesRequest) -> wire.ListAliasesResponse:
        aliases = [
            wire.AliasDescription(alias_name=alias, collection_name=name)
            for alias, name in self._aliases.items()
        ]
        return wire.ListAliasesResponse(aliases=aliases, time=0.0)

    def _get(self, request: wire.GetCollectionInfoRequest) -> wire.GetCollectionInfoResponse:
        made = self._made[request.collection_name]
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


def _say_version(_: wire.HealthCheckRequest) -> wire.HealthCheckReply:
    return wire.HealthCheckReply(title="null", version=version("qdrant-client"))


def _to_handler(kind: Any, answer: Callable[[Any], Any]) -> grpc.RpcMethodHandler[Any, Any]:  # noqa: ANN401 - a protobuf class
    return grpc.unary_unary_rpc_method_handler(
        lambda request, _context: answer(request),
        request_deserializer=kind.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


@contextmanager
def serving() -> Iterator[int]:
    """A new null server in a process of its own, until the end of the block.

    Yields:
        Its port on this machine.
    """
    command = [sys.executable, "-m", "benchmarks.ingestion.null_server"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None  # noqa: S101 - a pipe
        assert process.stdout is not None  # noqa: S101 - likewise
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def main() -> None:
    """Serve on a free port of this machine until standard input ends."""
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    server.add_generic_rpc_handlers((NullQdrant(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(0).wait()


if __name__ == "__main__":
    main()
