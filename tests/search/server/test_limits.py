"""What is too much, too large, too slow, or a trap: refused, and nobody else is hurt."""

from __future__ import annotations

import base64
import gzip
import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image

from schemas.errors import ServerBusy
from search.server.gate import Gate
from search.server.protocol import PatientProtocol
from search.server.uploads import UploadStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.search.server.conftest import Served

JSON = {"Content-Type": "application/json"}


def _send_raw(served: Served, head: str, *pieces: bytes, wait: float = 10) -> bytes:
    """The answer to a request that no client library would send."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=wait) as connection:
        connection.sendall(f"{head}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:  # answered, and closed
            pass
        try:
            while part := connection.recv(65_536):
                answer += part
                if b"\r\n\r\n" in answer and b'"}' in answer:
                    break
        except OSError:
            pass
        return answer


def _chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def test_a_body_that_says_it_is_too_large_is_not_read(serve: Callable[..., Served]) -> None:
    served = serve(max_upload_bytes=1_000)
    head = (
        "POST /v1/search HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99999999999"
    )
    answer = _send_raw(served, head)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"BodyTooLarge" in answer


def test_a_body_without_an_end_is_stopped(serve: Callable[..., Served]) -> None:
    served = serve(max_upload_bytes=1_000)
    head = (
        "POST /v1/search HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    )
    answer = _send_raw(served, head, *[_chunk(b" " * 10_000)] * 100)
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_longer_than_it_says_is_refused(served: Served) -> None:
    head = "POST /v1/search HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 5"
    answer = _send_raw(served, head, b'{"text": "red", "top_k": 1}')
    assert answer.startswith((b"HTTP/1.1 422", b"HTTP/1.1 400"))


def test_a_body_that_never_comes_is_given_up(serve: Callable[..., Served]) -> None:
    served = serve(body_seconds=0.3)
    head = "POST /v1/search HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 50"
    answer = _send_raw(served, head, b'{"te')
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"within 0.3 seconds" in answer


def test_many_slow_bodies_hurt_nobody(serve: Callable[..., Served]) -> None:
    served = serve(body_seconds=5, max_searches=4)
    head = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(50)]
    for one in slow:
        one.sendall(head)
    try:
        assert served.client.post("/v1/search", json={"text": "red"}).status_code == 200
    finally:
        for one in slow:
            one.close()


def test_headers_that_never_end_are_given_up(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds", 1.0)
    served = serve()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as silent:
        assert silent.recv(100) == b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as slow:
        slow.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert slow.recv(65_536).startswith(b"HTTP/1.1 200")
        slow.sendall(b"GET /version HTTP/1.1\r\nX: ")
        rest = b""
        while part := slow.recv(65_536):
            rest += part
        assert b"HTTP" not in rest


def test_an_answer_that_nobody_takes_is_dropped(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, things: Path
) -> None:
    monkeypatch.setattr(PatientProtocol, "look_seconds", 0.3)
    pixels = np.random.default_rng(1).integers(0, 255, (2_500, 2_500, 3), dtype=np.uint8)
    pixels[..., 0] = 255
    Image.fromarray(pixels).save(things / "large.png")
    served = serve()
    where = "width_pixels = 2500"
    point_id = served.point_id("red", target="image", where=where)
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as greedy:
        greedy.sendall(
            f"GET /v1/items/{point_id}/original HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        taken, size = len(greedy.recv(1)), (things / "large.png").stat().st_size
        time.sleep(1.5)  # since the answer began
        with suppress(ConnectionResetError):
            while part := greedy.recv(65_536):
                taken += len(part)
        assert taken < size
    assert served.client.get("/version").status_code == 200


def test_compressed_bodies_are_not_unpacked(served: Served) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = served.client.post("/v1/search", content=bomb, headers=headers)
    assert answer.status_code == 415


def test_headers_are_bounded(served: Served) -> None:
    assert served.client.get("/version", headers={"X": "x" * 50_000}).status_code == 431
    assert served.client.get("/v1/search", params={"q": "x" * 50_000}).status_code == 431


def test_a_form_has_few_parts(served: Served) -> None:
    files = [("image", (f"{n}.png", b"x")) for n in range(20)]
    assert served.client.post("/v1/search/upload", files=files).status_code == 400
    many = {f"field{n}": "x" for n in range(50)}
    image = {"image": ("a.png", b"x")}
    assert served.client.post("/v1/search/upload", files=image, data=many).status_code == 400
    large = {"request": "x" * 2_000_000}
    assert served.client.post("/v1/search/upload", files=image, data=large).status_code == 400


@pytest.fixture
def bombs() -> dict[str, bytes]:
    """Files that are small only as long as nobody opens them."""
    wide = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(wide, "PNG")
    good = io.BytesIO()
    Image.new("RGB", (64, 64), (255, 0, 0)).save(good, "PNG")
    return {
        "pixels": wide.getvalue(),
        "cut": good.getvalue()[:60],
        "noise": bytes(range(256)) * 20,
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "empty": b"",
    }


def test_what_is_no_image_is_a_problem(served: Served, bombs: dict[str, bytes]) -> None:
    statuses = {"pixels": 413, "cut": 422, "noise": 415, "svg": 415, "empty": 415}
    for name, content in bombs.items():
        answer = served.client.post("/v1/uploads", files={"image": (name, content)})
        assert (name, answer.status_code) == (name, statuses[name])
        assert answer.headers["content-type"] == "application/problem+json"
        encoded = base64.b64encode(content).decode()
        by_json = served.client.post("/v1/search", json={"image": encoded})
        assert (name, by_json.status_code) == (name, statuses[name])
    assert served.client.get("/v1/search", params={"q": "red"}).status_code == 200


class _Slow:
    """Holds an encoder's calls until it is let go."""

    def __init__(self, served: Served) -> None:
        self.go = threading.Event()
        real = served.encoder.encode_texts

        def encode(*args: Any) -> Any:
            self.go.wait(60)
            return real(*args)

        served.encoder.encode_texts = encode  # type: ignore[method-assign,assignment]


@pytest.fixture
def crowd(serve: Callable[..., Served]) -> Iterator[Callable[..., tuple[Served, _Slow]]]:
    """Starts a server of few searches, whose encoder waits until it is let go."""
    begun: list[_Slow] = []

    def start(**settings: object) -> tuple[Served, _Slow]:
        served = serve(max_searches=3, **settings)
        served.client.get("/readyz")
        begun.append(_Slow(served))
        return served, begun[-1]

    yield start
    for slow in begun:
        slow.go.set()


def _ask(served: Served) -> httpx.Response:
    return httpx.get(f"{served.url}/v1/search", params={"q": "red"}, timeout=60)


def test_too_many_searches_are_sent_away_at_once(
    crowd: Callable[..., tuple[Served, _Slow]],
) -> None:
    served, slow = crowd()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(_ask, served) for _ in range(8)]
        # Three are held, so that whoever else is answered now was sent away.
        sent_away = [one.result() for _, one in zip(range(5), as_completed(asked), strict=False)]
        slow.go.set()
        statuses = [one.result().status_code for one in asked]
    assert [one.status_code for one in sent_away] == [429] * 5
    assert {one.headers["retry-after"] for one in sent_away} == {"1"}
    assert {one.json()["title"] for one in sent_away} == {"ServerBusy"}
    assert sorted(statuses) == [200] * 3 + [429] * 5
    assert _ask(served).status_code == 200


def test_what_takes_too_long_is_given_up(crowd: Callable[..., tuple[Served, _Slow]]) -> None:
    served, _ = crowd(request_seconds=0.5)
    answer = _ask(served)
    assert answer.status_code == 504
    assert answer.json()["title"] == "RequestTimeout"


def test_a_gate_counts() -> None:
    gate = Gate(2, "searches")
    with gate.turn(), gate.turn(), pytest.raises(ServerBusy, match="2 searches"), gate.turn():
        pass
    assert gate.count == 0


def test_uploads_are_bounded_and_expire(tmp_path: Path) -> None:
    from schemas.errors import UploadMissing

    store = UploadStore(tmp_path / "up", keep_seconds=60, most_bytes=250)
    first, second, third = (store.keep(bytes([n]) * 100) for n in range(3))
    assert store.read(third) == bytes([2]) * 100
    kept = [path.name for path in (tmp_path / "up").iterdir()]
    assert len(kept) == 2
    assert third in kept
    missing = first if first not in kept else second
    for name in (missing, "../../etc/passwd", "", "0" * 64):
        with pytest.raises(UploadMissing):
            store.read(name)
    expired = UploadStore(tmp_path / "up", keep_seconds=0, most_bytes=250)
    with pytest.raises(UploadMissing):
        expired.read(third)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"text": " "},
        {"text": "red", "item": "x"},
        {"text": "red", "upload": "0" * 64, "image": "AA=="},
        {"text": "red", "top_k": 0},
        {"text": "red", "top_k": 201},
        {"text": "red", "pool": 1_001},
        {"text": "red", "where": "nope ="},
        {"text": "red", "where": {"nope": 1}},
        {"text": "red", "cursor": "x"},
        {"text": "red", "rerank": "someone/model"},
        {"text": "red", "sort": "size"},
        {"text": "red", "nope": 1},
        {"text": "x" * 20_001},
        {"terms": [{"text": "red", "weight": 0}]},
        {"terms": [{"text": "red"}] * 33},
        {"text": "\ud800"},
        {"image": "no base64!"},
    ],
)
def test_what_cannot_be_answered_is_a_problem(served: Served, asked: dict[str, Any]) -> None:
    content = json.dumps(asked).encode()
    answer = served.client.post("/v1/search", content=content, headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 422
    assert answer.json()["detail"]


def test_only_allowed_fields_are_filtered(serve: Callable[..., Served]) -> None:
    served = serve(filter_fields=["media_type"])
    ask, allowed = served.client.post, {"text": "red", "where": "media_type = image/png"}
    assert ask("/v1/search", json=allowed).status_code == 200
    for where in ("root = things", "media_type = a or not root = b", {"and": [{"root": "x"}]}):
        assert ask("/v1/search", json={"text": "red", "where": where}).status_code == 422
    assert served.client.get("/v1/facets", params={"field": "root"}).status_code == 422
    assert served.client.get("/v1/facets", params={"field": "media_type"}).status_code == 200


def test_the_unexpected_is_told_to_the_log_alone(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the machine")

    served.client.get("/readyz")
    served.encoder.encode_texts = fail  # type: ignore[method-assign,assignment]
    answer = served.client.get("/v1/search", params={"q": "red"})
    assert answer.status_code == 500
    assert answer.json()["title"] == "InternalServerError"
    assert "secret" not in answer.text
    assert "a secret of the machine" in caplog.text


def test_logs_say_nothing_of_queries(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="search")
    served.client.get("/v1/search", params={"q": "embarrassing"})
    served.client.post("/v1/search", json={"text": "embarrassing"})
    assert "/v1/search 200" in caplog.text
    assert "embarrassing" not in caplog.text
