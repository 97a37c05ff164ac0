"""Requests that are small to send and would be large to answer, and those that say two things."""

from __future__ import annotations

import base64
import io
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.search.server.conftest import Served

JSON = {"Content-Type": "application/json"}


def _paint() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (255, 0, 0)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


RED = _paint()


def _ask_raw(served: Served, request: str) -> bytes:
    """Every byte of the answer, until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/search", {"text": "red " * 1_001}),
        ("/v1/search", {"terms": [{"text": "red " * 900}] * 3}),
        ("/v1/search", {"terms": [{"image": RED}] * 17}),
        ("/v1/search/batch", {"queries": [{"text": "red " * 100}] * 32}),
        ("/v1/search/batch", {"queries": [{"terms": [{"image": RED}] * 9}] * 2}),
        ("/v1/feedback", {"terms": [{"text": "red " * 900}] * 3, "liked": ["a"]}),
    ],
)
def test_what_would_be_encoded_is_bounded_in_all(
    served: Served, path: str, asked: dict[str, Any]
) -> None:
    answer = served.client.post(path, json=asked)
    assert answer.status_code == 422
    assert "at most" in answer.json()["detail"]


def test_long_words_in_an_address_are_refused_or_cut(served: Served) -> None:
    words = {"q": "red " * 1_001}
    assert served.client.get("/v1/search", params=words).status_code == 422
    page = served.client.get("/", params=words)
    assert page.status_code == 200
    assert "red " * 999 in page.text
    assert "red " * 1_000 + "red" not in page.text


def test_json_of_many_parts_is_not_read(served: Served) -> None:
    keys = "{" + ",".join(f'"a{number}":1' for number in range(30_000)) + "}"
    values = json.dumps({"text": "red", "where": {"root": [f"x{n}" for n in range(30_000)]}})
    two = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    for content in (keys, values):
        for path in ("/v1/search", "/v1/search/batch", "/v1/feedback", "/mcp"):
            for headers in ([*JSON.items()], two):
                answer = served.client.post(path, content=content, headers=headers)
                assert (path, answer.status_code) == (path, 413)
                assert "parts" in answer.json()["detail"]
    untyped = served.client.post("/v1/search", content=values)
    assert untyped.status_code == 422  # it is not read as JSON
    image = {"image": ("a.png", base64.b64decode(RED))}
    answer = served.client.post("/v1/search/upload", files=image, data={"request": values})
    assert answer.status_code == 400


def test_a_request_of_two_lengths_is_refused(served: Served) -> None:
    answer = _ask_raw(
        served,
        "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_no_stream_stays_open(served: Served) -> None:
    answer = served.client.get("/mcp", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_an_unknown_tool_is_not_repeated_whole(served: Served) -> None:
    call = {"name": "x" * 100_000, "arguments": {}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = served.client.post("/mcp", json=asked, headers={"Accept": "application/json"})
    assert "there is no tool" in answer.text
    assert len(answer.content) < 1_000
