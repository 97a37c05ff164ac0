"""A real server on loopback over a small collection of colours, under the legible encoder."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

pytest.importorskip("fastapi", reason="needs the extra server")

import uvicorn
from PIL import Image

from ingest.store.connect import connect
from ingest.sync.job import SyncJob
from schemas.settings import RootSettings, Settings, load_settings
from search.server.app import create_app
from search.server.metrics import Metrics
from search.server.opening import open_searcher
from search.server.running import to_config
from tests.legible import LegibleEncoder
from tests.search.conftest import paint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingest.store.engine import Engine

START_SECONDS = 20.0


@dataclass
class Served:
    """A running server.

    Attributes:
        url: Where.
        client: Asks it.
        engine: Its store.
        encoder: Its encoder.
        app: Its application.
    """

    url: str
    client: httpx.Client
    engine: Engine
    encoder: LegibleEncoder
    app: Any

    @property
    def port(self) -> int:
        """Where."""
        return int(self.url.rpartition(":")[2])

    def point_id(self, text: str, **options: object) -> str:
        """Of the best hit of some words."""
        asked = {"text": text, "top_k": 1, **options}
        page = self.client.post("/v1/search", json=asked).json()
        return str(page["hits"][0]["point_id"])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def things(tmp_path: Path) -> Path:
    """A folder with an image of each colour and a few texts."""
    folder = tmp_path / "things"
    folder.mkdir()
    paint(folder)
    Image.new("RGB", (640, 480), (255, 0, 0)).save(folder / "wide.jpg")
    (folder / "rose.txt").write_text("a red rose")
    (folder / "sea.txt").write_text("the blue sea is blue and blue\n\na red boat on it")
    (folder / "page.html").write_text(
        "<html><body><p>a green <script>alert(1)</script> page</p></body></html>"
    )
    return folder


@contextmanager
def serving(
    things: Path, tmp_path: Path, *, url: str = ":memory:", **serve: Any
) -> Iterator[Served]:
    """A server over a folder, with these settings of ``serve``."""
    encoder, metrics = LegibleEncoder(), Metrics()
    flags: dict[str, Any] = {
        "url": url,
        "collection": "things",
        "state_dir": tmp_path / "state",
        "isolate": False,
        "refresh_seconds": 0.0,
        "serve": serve,
    }
    settings = load_settings(**flags)
    engine = connect(url)
    SyncJob([RootSettings(source=str(things))], settings).run(engine=engine, encoder=encoder)
    searcher = open_searcher(settings, metrics, engine=engine, load_encoder=lambda _: encoder)
    app = create_app(settings, searcher=searcher, metrics=metrics)
    with running(app, settings) as address:
        headers = {}
        if serve.get("tokens"):
            headers["Authorization"] = f"Bearer {serve['tokens'][0].partition(':')[2]}"
        with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
            yield Served(address, client, engine, encoder, app)


@contextmanager
def running(app: Any, settings: Settings) -> Iterator[str]:
    """An application in a thread, at an address."""
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(to_config(settings, app))
    thread = threading.Thread(target=server.run, args=([bound],))
    thread.start()
    due = time.monotonic() + START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < due:
        time.sleep(0.01)
    assert server.started
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


@pytest.fixture
def serve(things: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers; they end with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(things, tmp_path, **settings))


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A server with default settings."""
    return serve()
