"""Two worker processes, each over a collection of its own making: there is no Qdrant server here.

Run as ``python -m tests.search.server.worker_app FOLDER``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.store.connect import connect
from schemas.settings import load_settings
from search.server import running
from search.server.app import create_app
from search.server.metrics import Metrics
from search.server.opening import open_searcher
from tests.legible import LegibleEncoder
from tests.search.conftest import fill, paint

if TYPE_CHECKING:
    from fastapi import FastAPI

    from schemas.settings import Settings


def make_worker(settings: Settings, _logs: tuple[str, bool]) -> FastAPI:
    """In place of the one that opens the settings' index."""
    encoder, metrics, engine = LegibleEncoder(), Metrics(), connect(":memory:")
    fill(engine, encoder, paint(Path(settings.url)))
    memory = settings.model_copy(update={"collection": "colours"})
    searcher = open_searcher(memory, metrics, engine=engine, load_encoder=lambda _: encoder)
    return create_app(memory, searcher=searcher, metrics=metrics)


if __name__ == "__main__":
    from tests.search.server import worker_app

    setattr(running, "make_worker", worker_app.make_worker)  # noqa: B010 - as a test would
    setattr(running, "check_settings", lambda _: None)  # noqa: B010 - likewise
    running.run(load_settings(url=sys.argv[1], serve={"port": 0, "workers": 2}))
