"""The process that decodes: it gives up what it does not need, then answers calls until the end.

It is started by :mod:`ingest.decode.sandbox` and has no command line of its own.
"""

from __future__ import annotations

import logging
import mmap
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ingest.decode.confinement import (
    keep_temporary_files_in_memory,
    limit_resources,
    withdraw,
)
from ingest.decode.connection import Connection
from ingest.decode.wire import from_wire, to_function, to_wire
from schemas.errors import DecodeError, DiptychError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.decode.wire import Buffer

_LOG = logging.getLogger(__name__)

_GRACE_SECONDS = 5.0
"""Past the time limit of a call: the parent kills at the limit; this is for when it is gone."""

_MAX_RECORDS = 20
_MAX_MESSAGE_CHARS = 2000
_MAX_DETAIL_CHARS = 200


class _Records(logging.Handler):
    """Keeps what is logged during a call, so that it can be logged where people look."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: list[object] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._kept) < _MAX_RECORDS:
            message = self.format(record)[:_MAX_MESSAGE_CHARS]
            self._kept.append([record.name, record.levelno, message])

    def take(self) -> list[object]:
        taken, self._kept = self._kept, []
        return taken


def main(*, stream: int, memory: int, memory_bytes: int, allowance_bytes: int) -> None:
    """Answer calls until the parent closes the connection.

    Args:
        stream: Descriptor of a stream socket.
        memory: Descriptor of the shared memory.
        memory_bytes: Its size.
        allowance_bytes: Address space beyond what is mapped once the first function is imported.
    """
    withdraw(lifeline=sys.stdin.fileno())
    keep_temporary_files_in_memory()
    mapped = mmap.mmap(memory, memory_bytes)
    os.close(memory)
    connection = Connection(socket.socket(fileno=stream), mapped)
    records = _Records()
    logging.getLogger().addHandler(records)
    with suppress(EOFError, OSError):  # the parent is gone, or wants no more
        connection.send({}, ())
        _serve(connection, records, allowance_bytes)


def _serve(connection: Connection, records: _Records, allowance_bytes: int) -> None:
    request, buffers = connection.receive()
    to_function(request["function"])  # imported now, so that the allowance is for files alone
    limit_resources(allowance_bytes)
    while True:
        signal.setitimer(signal.ITIMER_REAL, request["seconds"] + _GRACE_SECONDS)
        answer, results = _answer(request, buffers)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send({**answer, "records": records.take()}, results)
        del results  # pixels, before the next ones are decoded
        request, buffers = connection.receive()


def _answer(
    request: dict[str, Any], buffers: Sequence[Buffer]
) -> tuple[dict[str, object], list[Buffer]]:
    """The function's result, or the error that it raised, ready to be sent."""
    source_uri = request["source_uri"]
    results: list[Buffer] = []
    try:
        content, args, kwargs = from_wire(request["arguments"], buffers)
        named = dict(kwargs)
        result = to_function(request["function"])(content, source_uri, *args, **named)
        return {"result": to_wire(result, results)}, results
    except DiptychError as raised:
        error = raised
    except MemoryError:
        error = DecodeError(source_uri, "decoding it takes more memory than a decoder may use")
    except Exception as raised:  # noqa: BLE001 - it is logged, and costs the item alone
        _LOG.exception("%s: the decoder failed", source_uri)
        detail = f"{type(raised).__name__}: {raised}"[:_MAX_DETAIL_CHARS]
        error = DecodeError(source_uri, f"the decoder failed ({detail}); please report it")
    return {"error": [error.kind, *map(str, error.args)]}, []
