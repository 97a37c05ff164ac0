"""The tools of the MCP server, over the small collection of colours."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn

from ingest.store.connect import connect
from tests.legible import LegibleEncoder
from tests.search.conftest import fill, paint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An image file of each colour."""
    return paint(tmp_path_factory.mktemp("colours"))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, painted: dict[str, Path]) -> Path:
    """An embedded index of four images and three documents, closed."""
    folder = tmp_path_factory.mktemp("index") / "index"
    with connect(str(folder)) as engine:
        fill(engine, LegibleEncoder(), painted)
    return folder


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The application on a free port of this machine.

    Yields:
        Its address, without a slash at the end.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
