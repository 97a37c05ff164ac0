"""Files that are sent become items like any others; nothing lands outside of the inbox."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from schemas.errors import QueryError
from search.server.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.search.server.conftest import Served

UNSAFE = [
    "",
    "..",
    "../a.txt",
    "a/../../b.txt",
    "a//b.txt",
    "/etc/passwd",
    ".hidden.txt",
    "a/.git/config",
    "a\\b.txt",
    "a\x00.txt",
    "a\nb.txt",
    "con.txt",
    "a:b.txt",
    "a.txt.",
    " a.txt",
    "x" * 201,
    "a/" * 600 + "b.txt",
    "\u202eexe.txt",
]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def taking(serve: Callable[..., Served], inbox: Path) -> Served:
    return serve(inbox=str(inbox))


def _find(served: Served, text: str) -> list[str]:
    asked = {"text": text, "target": "text", "where": "root = inbox"}
    hits = served.client.post("/v1/search", json=asked).json()["hits"]
    return [hit["source_uri"] for hit in hits]


def test_without_an_inbox_nothing_is_taken(served: Served) -> None:
    for method in ("PUT", "DELETE"):
        answer = served.client.request(method, "/v1/records/a.txt", content=b"red")
        assert answer.status_code == 403
        assert "--inbox" in answer.json()["detail"]


def test_a_record_is_found_replaced_and_removed(taking: Served, inbox: Path) -> None:
    put = taking.client.put("/v1/records/notes/night.txt", content=b"a black night")
    assert put.status_code == 200
    uri = "folder://inbox/notes/night.txt"
    assert put.json() == {"outcome": "indexed", "source_uri": uri}
    assert _find(taking, "black") == [uri]
    point_id = taking.point_id("black", target="text", where="root = inbox")
    assert taking.client.get(f"/v1/items/{point_id}/original").content == b"a black night"
    taking.client.put("/v1/records/notes/night.txt", content=b"a green night")
    assert taking.client.get(f"/v1/items/{point_id}").json()["text"] == "a green night"
    gone = taking.client.delete("/v1/records/notes/night.txt")
    assert gone.json() == {"outcome": "deleted", "source_uri": uri}
    assert _find(taking, "black") == []
    assert list(inbox.iterdir()) == []
    assert taking.client.delete("/v1/records/notes/night.txt").status_code == 404


def test_an_image_is_a_record(taking: Served, things: Path) -> None:
    content = (things / "blue.png").read_bytes()
    assert taking.client.put("/v1/records/sky.png", content=content).status_code == 200
    asked = {"text": "blue", "target": "image", "where": "root = inbox"}
    hits = taking.client.post("/v1/search", json=asked).json()["hits"]
    picture = taking.client.get(f"/v1/items/{hits[0]['point_id']}/thumbnail")
    assert picture.headers["content-type"] == "image/webp"


def test_a_record_that_fails_is_not_kept(taking: Served, inbox: Path) -> None:
    good = taking.client.put("/v1/records/a.txt", content=b"a red rose")
    assert good.status_code == 200
    for name, status in (("a.png", 415), ("b.pdf", 422)):
        bad = taking.client.put(f"/v1/records/{name}", content=b"neither of them")
        assert bad.status_code == status
        assert str(inbox) not in bad.text
    assert [path.name for path in inbox.iterdir()] == ["a.txt"]


def test_what_was_there_before_comes_back(taking: Served, inbox: Path, things: Path) -> None:
    content = (things / "red.png").read_bytes()
    taking.client.put("/v1/records/a.png", content=content)
    assert taking.client.put("/v1/records/a.png", content=b"broken").status_code == 415
    assert (inbox / "a.png").read_bytes() == content
    assert [path.name for path in inbox.iterdir()] == ["a.png"]


def test_a_kind_that_is_not_indexed_is_refused(taking: Served, inbox: Path) -> None:
    answer = taking.client.put("/v1/records/a.exe", content=b"MZ")
    assert answer.status_code == 415
    assert list(inbox.iterdir()) == []


def test_all_records_may_go(taking: Served) -> None:
    for number in range(12):
        taking.client.put(f"/v1/records/{number}.txt", content=b"red")
    for number in range(12):
        assert taking.client.delete(f"/v1/records/{number}.txt").status_code == 200
    assert _find(taking, "red") == []


def test_records_that_arrive_together_share_runs(taking: Served) -> None:
    statuses = []

    def put(number: int) -> None:
        url = f"{taking.url}/v1/records/{number}.txt"
        statuses.append(httpx.put(url, content=f"red {number}", timeout=30).status_code)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    counted = taking.client.get("/v1/facets", params={"field": "root"}).json()["values"]
    assert {"value": "inbox", "count": 8} in counted


@pytest.mark.parametrize("name", UNSAFE)
def test_no_name_leads_out(inbox: Path, name: str) -> None:
    with pytest.raises(QueryError, match="path"):
        Inbox(inbox, "inbox").to_path(name)


@pytest.mark.parametrize(
    "path",
    ["..%2fa.txt", "%2e%2e/a.txt", "a/%2e%2e/%2e%2e/b.txt", "%2fetc%2fpasswd", "a%00.txt", "a%5cb"],
)
def test_no_address_leads_out(taking: Served, inbox: Path, tmp_path: Path, path: str) -> None:
    before = {one for one in tmp_path.rglob("*") if "state" not in one.parts}
    answer = taking.client.put(f"{taking.url}/v1/records/{path}", content=b"red")
    assert answer.status_code in (404, 405, 422)
    assert {one for one in tmp_path.rglob("*") if "state" not in one.parts} - before <= {inbox}


def test_links_are_not_followed(taking: Served, inbox: Path, tmp_path: Path) -> None:
    taking.client.put("/v1/records/a.txt", content=b"red")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.txt").write_text("untouched")
    (inbox / "away").symlink_to(outside)
    (inbox / "b.txt").symlink_to(outside / "b.txt")
    for path in ("away/c.txt", "b.txt", "a.txt/c.txt"):
        for method in ("PUT", "DELETE"):
            answer = taking.client.request(method, f"/v1/records/{path}", content=b"red")
            assert answer.status_code == 422
    assert (outside / "b.txt").read_text() == "untouched"
    assert [one.name for one in outside.iterdir()] == ["b.txt"]


def test_a_body_that_breaks_off_leaves_nothing(inbox: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    box = Inbox(inbox, "inbox")
    with pytest.raises(ConnectionError):
        asyncio.run(box.receive(box.to_path("a.txt"), chunks()))
    assert list(inbox.iterdir()) == []


def test_a_schedule_brings_new_files(serve: Callable[..., Served], things: Path) -> None:
    served = serve(sync_every=0.2)
    (things / "new.txt").write_text("a cyan wall")
    due, hits = time.monotonic() + 20, []
    asked = {"text": "cyan", "target": "text", "top_k": 1}
    while time.monotonic() < due:
        hits = served.client.post("/v1/search", json=asked).json()["hits"]
        if hits[0]["source_uri"].endswith("new.txt"):
            break
        time.sleep(0.05)
    assert hits[0]["source_uri"] == "folder://things/new.txt"
    while time.monotonic() < due:
        if "diptych_serve_last_sync_timestamp_seconds 1" in served.client.get("/metrics").text:
            break
        time.sleep(0.05)
    assert "diptych_serve_last_sync_timestamp_seconds 1" in served.client.get("/metrics").text


def test_a_schedule_that_fails_takes_nothing_down(
    serve: Callable[..., Served], things: Path
) -> None:
    served = serve(sync_every=0.1)
    things.rename(things.with_name("elsewhere"))
    due = time.monotonic() + 20
    while time.monotonic() < due:
        if served.client.get("/v1/status").json()["last_sync_error"] == "SourceUnavailable":
            break
        time.sleep(0.05)
    assert served.client.get("/v1/status").json()["last_sync_error"] == "SourceUnavailable"
    assert served.client.post("/v1/search", json={"text": "red"}).status_code == 200
