"""A whole run over files that break careless indexers: every item ends once, and as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from ingest.sources.uris import from_source_uri
from ingest.store.connect import connect
from schemas.collection import from_payload
from schemas.settings import load_settings
from tests.hostile import INDEXED, NOT_LISTED, write_hostile_corpus
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.report import RunReport


def test_a_hostile_folder_is_indexed_but_for_one_typed_failure_an_item(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    expected = write_hostile_corpus(corpus)
    settings = load_settings(url=str(tmp_path / "index"), workers=2)

    def run() -> RunReport:
        job = IngestJob(FolderSource.open(corpus), settings, show_progress=False)
        return job.run(encoder=LegibleEncoder(window_tokens=2000))

    report = run()
    assert report.counts.balanced
    assert report.exit_code == 3
    failed = {from_source_uri(one.source_uri)[1]: one.kind for one in report.failures}
    assert failed == {
        path: end for path, end in expected.items() if end not in {INDEXED, NOT_LISTED}
    }
    assert indexed_paths(settings.url) == {p for p, end in expected.items() if end == INDEXED}
    again = run()
    assert again.counts.unchanged == report.counts.added
    assert again.counts.failed == report.counts.failed
    assert again.counts.added == again.counts.updated == 0


def indexed_paths(url: str) -> set[str]:
    engine = connect(url)
    try:
        points, rest = engine.scroll("diptych", limit=100_000, with_payload=True)
        assert rest is None
        chunks = [from_payload(point.payload or {}) for point in points]
        return {from_source_uri(chunk.record.source_uri)[1] for chunk in chunks}
    finally:
        engine.close()
