"""What holds for any folder: every item counted once, and a second run does nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from ingest.store.connect import connect
from schemas.collection import from_payload
from schemas.settings import load_settings
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from schemas.report import RunReport

names = st.from_regex(r"[a-z]{1,6}\.(txt|md|png|bin)", fullmatch=True)
contents = st.one_of(
    st.lists(st.sampled_from(["red", "green", "void", "blue.", "\n\n"]), max_size=30).map(
        lambda words: " ".join(words).encode()
    ),
    st.binary(max_size=40),
)
folders = st.dictionaries(names, contents, max_size=6)


def write_and_ingest(engine: Engine, folder: Path, files: dict[str, bytes]) -> RunReport:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    report = ingest(engine, folder)
    assert report.counts.balanced
    assert report.counts.scanned == sum(path.suffix != ".bin" for path in folder.iterdir())
    return report


def ingest(engine: Engine, folder: Path) -> RunReport:
    chosen = load_settings(url=":memory:", workers=2, batch_size=3, chunk_overlap_tokens=2)
    return IngestJob(FolderSource.open(folder), chosen, show_progress=False).run(
        engine=engine, encoder=LegibleEncoder()
    )


def chunks(engine: Engine) -> list[Chunk]:
    points, _ = engine.scroll("diptych", limit=10_000, with_payload=True)
    return [from_payload(point.payload or {}) for point in points]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=folders, after=folders)
def test_after_any_change_each_item_is_whole_and_a_further_run_does_nothing(
    before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    engine = connect(":memory:")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "root")
        folder.mkdir()
        write_and_ingest(engine, folder, before)
        report = write_and_ingest(engine, folder, after)
        again = ingest(engine, folder)
        assert again.counts.failed == report.counts.failed
        assert again.counts.unchanged == again.counts.scanned - again.counts.failed
        assert (again.counts.images, again.counts.texts) == (0, 0)
    whole = chunks(engine)
    engine.close()
    for uri in {chunk.record.source_uri for chunk in whole}:
        own = sorted((c for c in whole if c.record.source_uri == uri), key=lambda c: c.ordinal)
        assert [c.ordinal for c in own] == list(range(own[0].count))
        assert len({c.content_hash for c in own}) == 1
