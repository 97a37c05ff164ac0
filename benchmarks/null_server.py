"""A server that costs next to nothing: what a client does beside it is what is measured.

It speaks Qdrant's REST API by the tests' loopback server until ``POST /freeze``. From then on it
gives every search the answer that it gave to the last one before, as bytes. Run in a process of its
own, ``python -m benchmarks.null_server`` prints its address.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from tests.loopback.routes import VERSION, Refused, answer
from tests.loopback.store import Store


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = Store()
        self.is_frozen = False
        self.known: dict[str, bytes] = {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        searches = body.count(b'"limit"')
        asked = f"{path} {searches}"  # as many searches get as many answers
        known = self.server.known.get(asked) if self.server.is_frozen else None
        if known is not None:
            self._send(200, known)
            return
        status, content = self._answer(path, body)
        packed = json.dumps(content).encode()
        if searches:
            self.server.known[asked] = packed
        self._send(status, packed)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _answer(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/":
            return 200, {"title": "null server", "version": VERSION}
        if path == "/freeze":
            self.server.is_frozen = True
            return 200, {"result": True, "status": "ok", "time": 0.0}
        try:
            result = answer(self.server.store, self.command, path, body)
        except Refused as refusal:
            return refusal.status, {"status": {"error": str(refusal)}, "time": 0.0}
        return 200, {"result": _to_json(result), "status": "ok", "time": 0.0}

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _to_json(result: Any) -> Any:  # noqa: ANN401 - of many kinds
    if isinstance(result, list):
        return [_to_json(one) for one in result]
    return result.model_dump(mode="json") if isinstance(result, BaseModel) else result


def main() -> None:
    """Serve until the process is ended."""
    server = _Server()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
