"""The HTTP side: sockets, the envelope of answers, and faults.

Start one with :func:`serving`; a client in another process reaches it by ``server.url`` and REST
(``DIPTYCH_URL`` and ``DIPTYCH_PREFER_GRPC=false``).
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import traceback
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from tests.loopback.faults import Fault, FaultPlan
from tests.loopback.routes import VERSION, Refused, answer
from tests.loopback.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUSES: Final = {Fault.BUSY: 429, Fault.UNAVAILABLE: 503, Fault.BROKEN: 500}


class Loopback:
    """A Qdrant server on a free port of this machine.

    Attributes:
        port: Its port, the same after an outage.
        store: What it keeps.
        plan: Its faults; may be replaced at any time.
        crashes: Tracebacks of bugs in the server itself, to be empty.
        requests: Method and path of every request that reached it.
    """

    def __init__(self, plan: FaultPlan | None = None) -> None:
        self.store = Store()
        self.plan = plan or FaultPlan()
        self.crashes: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self.ended = threading.Event()
        self._turn = threading.RLock()
        self._http: _Http | None = None
        self._held = _bind(0)
        self.port: int = self._held.getsockname()[1]
        self._timer: threading.Timer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accept(self) -> None:
        """Begin to answer, or to answer again."""
        with self._turn:
            if self._http is None and not self.ended.is_set():
                self._http = _Http(self, self._held)

    def refuse(self, seconds: float | None = None) -> None:
        """Break all connections and refuse new ones, for a time or until :meth:`accept`."""
        with self._turn:
            if self._http is None:
                return
            self._http.end()
            self._http = None
            # Bound but not listening, it refuses connections and keeps the port.
            self._held = _bind(self.port)
            if seconds is not None:
                self._timer = threading.Timer(seconds, self.accept)
                self._timer.daemon = True
                self._timer.start()

    def end(self) -> None:
        """Stop for good."""
        self.ended.set()
        if self._timer is not None:
            self._timer.cancel()
        self.refuse()
        self._held.close()


@contextmanager
def serving(plan: FaultPlan | None = None) -> Iterator[Loopback]:
    """A server until the end of the block."""
    server = Loopback(plan)
    server.accept()
    try:
        yield server
    finally:
        server.end()
    assert not server.crashes, server.crashes[0]


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, loopback: Loopback, bound: socket.socket) -> None:
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.loopback = loopback
        self._connections: set[socket.socket] = set()
        self.server_activate()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in list(self._connections):
            _forget(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        self.close_request(request)  # without the farewell that would precede a reset

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: a client that was killed, or a connection broken on purpose."""


def _to_json(result: Any) -> Any:
    if isinstance(result, list):
        return [_to_json(one) for one in result]
    return result.model_dump(mode="json") if isinstance(result, BaseModel) else result


def _forget(connection: socket.socket) -> None:
    """Wake whoever reads from a connection: it is over."""
    with suppress(OSError):  # it was over already
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Http

    def _handle(self) -> None:
        loopback = self.server.loopback
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        loopback.requests.append((self.command, path))
        fault = loopback.plan.draw(self.command, path)
        match fault:
            case None:
                self._send(*self._apply(path, body))
            case Fault.LOST:
                self._apply(path, body)
                self._reset()
            case Fault.RESET:
                self._reset()
            case Fault.HANG:
                loopback.ended.wait(loopback.plan.hang_seconds)
                self._reset()
            case Fault.REFUSED:
                self._reset()
                loopback.refuse(loopback.plan.refused_seconds)
            case _:
                text = f"loopback says {fault}"
                self._send(_STATUSES[fault], {"status": {"error": text}, "time": 0.0})

    do_GET = _handle  # noqa: N815 - http.server's names
    do_PUT = _handle  # noqa: N815
    do_POST = _handle  # noqa: N815
    do_PATCH = _handle  # noqa: N815
    do_DELETE = _handle  # noqa: N815

    def _apply(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/":
            return 200, {"title": "loopback", "version": VERSION}
        loopback = self.server.loopback
        try:
            result = answer(loopback.store, self.command, path, body)
        except Refused as refusal:
            return refusal.status, {"status": {"error": str(refusal)}, "time": 0.0}
        except Exception:  # noqa: BLE001 - told at the end
            loopback.crashes.append(traceback.format_exc())
            return 400, {"status": {"error": "a bug of the loopback server"}, "time": 0.0}
        return 200, {"result": _to_json(result), "status": "ok", "time": 0.0}

    def _send(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429 and self.server.loopback.plan.retry_after is not None:
            self.send_header("Retry-After", self.server.loopback.plan.retry_after)
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        at_once = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quiet."""
