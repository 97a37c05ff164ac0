"""Records that are written, removed and in each other's way at once."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.search.server.conftest import Served


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def taking(serve: Callable[..., Served], inbox: Path) -> Served:
    return serve(inbox=str(inbox))


def _files(inbox: Path) -> list[str]:
    return sorted(str(one.relative_to(inbox)) for one in inbox.rglob("*") if one.is_file())


def test_what_is_removed_while_it_is_replaced_stays_removed(taking: Served, inbox: Path) -> None:
    taking.client.put("/v1/records/a.txt", content=b"red")
    go, begun = threading.Event(), threading.Event()
    real = taking.encoder.encode_texts

    def encode(*args: Any) -> Any:
        begun.set()
        go.wait(20)
        return real(*args)

    taking.encoder.encode_texts = encode  # type: ignore[method-assign,assignment]
    with ThreadPoolExecutor(3) as pool:
        other = pool.submit(taking.client.put, "/v1/records/b.txt", content=b"lime")
        assert begun.wait(20)
        put = pool.submit(taking.client.put, "/v1/records/a.txt", content=b"blue")
        while (inbox / "a.txt").read_bytes() != b"blue":
            time.sleep(0.01)
        deleted = pool.submit(taking.client.delete, "/v1/records/a.txt")
        time.sleep(0.2)
        go.set()
        assert other.result().status_code == 200
        assert put.result().status_code == 200
        assert deleted.result().status_code == 200
    assert _files(inbox) == ["b.txt"]
    assert taking.client.delete("/v1/records/a.txt").status_code == 404


def test_a_file_and_a_folder_of_one_name_leave_one_of_them(taking: Served, inbox: Path) -> None:
    def put(number: int) -> int:
        path = "x" if number % 2 else f"x/{number}.txt"
        return int(taking.client.put(f"/v1/records/{path}", content=b"red").status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(put, range(24)))
    assert statuses <= {200, 415, 422}
    assert not [name for name in _files(inbox) if name.rpartition("/")[2].startswith(".")]


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file of this process may grow beyond 100 kB."""
    bounds, heard = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, bounds[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
    signal.signal(signal.SIGXFSZ, heard)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_told_and_leaves_nothing(taking: Served, inbox: Path) -> None:
    answer = taking.client.put("/v1/records/a.txt", content=os.urandom(300_000))
    assert answer.status_code == 507
    assert answer.json()["title"] == "NoSpace"
    assert str(inbox) not in answer.text
    assert _files(inbox) == []
    assert taking.client.put("/v1/records/a.txt", content=b"red").status_code == 200
