"""An empty index in memory, and a run into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest

from ingest.job import IngestJob
from ingest.store.connect import connect
from schemas.collection import from_payload
from schemas.settings import load_settings
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.sources.source import Source
    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from schemas.report import RunReport


class Ingest(Protocol):
    """Ingests a source with legible vectors; more keywords are settings or the job's."""

    def __call__(
        self, source: Source, encoder: LegibleEncoder | None = None, **options: Any
    ) -> RunReport: ...


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = connect(":memory:")
    yield engine
    engine.close()


@pytest.fixture
def ingest(engine: Engine) -> Ingest:
    def ingest(source: Source, encoder: LegibleEncoder | None = None, **options: Any) -> RunReport:
        names = ("dead_letters", "retry_failed", "stopping")
        of_job = {name: options.pop(name) for name in names if name in options}
        chosen = {"chunk_overlap_tokens": 2, "workers": 2, "batch_size": 4, **options}
        settings = load_settings(url=":memory:", **chosen)
        job = IngestJob(source, settings, show_progress=False, **of_job)
        return job.run(engine=engine, encoder=encoder or LegibleEncoder())

    return ingest


def read_chunks(engine: Engine, collection: str = "diptych") -> dict[str, Chunk]:
    """Every chunk that is indexed, by point id."""
    points, _ = engine.scroll(collection, limit=10_000, with_payload=True)
    return {str(point.id): from_payload(point.payload or {}) for point in points}


def read_vectors(engine: Engine, collection: str = "diptych") -> dict[str, list[float]]:
    """Every vector, by point id, to six decimals."""
    points, _ = engine.scroll(collection, limit=10_000, with_vectors=True)
    return {
        str(point.id): np.asarray(point.vector, dtype=float).round(6).tolist() for point in points
    }
