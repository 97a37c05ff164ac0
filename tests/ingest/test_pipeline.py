"""What the stages do together: bounded, stoppable, and none of them fails in silence."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from threading import Event, Thread, active_count
from time import sleep
from typing import TYPE_CHECKING

import pytest

from ingest.job import IngestJob
from ingest.outcome import Tally
from ingest.pipeline import SLICE_ITEMS
from schemas.errors import SourceUnavailable, StoreUnavailable
from schemas.records import Modality
from schemas.settings import load_settings
from tests.ingest.conftest import read_chunks
from tests.legible import LegibleEncoder
from tests.list_source import ListSource, image, text, to_png

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

    from ingest.outcome import Outcome
    from ingest.store.engine import Engine
    from schemas.records import Chunk, Record
    from schemas.report import RunReport
    from schemas.space import Role, Vectors
    from tests.ingest.conftest import Ingest


def to_colours(count: int) -> Iterator[Record]:
    for nth in range(count):
        yield image(str(nth), to_png((nth % 200 + 20, nth // 200, 7)))


def test_many_items_of_both_kinds_arrive_whole(engine: Engine, ingest: Ingest) -> None:
    texts = [text(f"t{nth}", f"red {nth} " * (nth % 30 + 1)) for nth in range(200)]
    report = ingest(ListSource([*to_colours(300), *texts]), workers=3, batch_size=7)
    assert report.counts.balanced
    assert (report.counts.added, report.counts.images) == (500, 300)
    chunks = read_chunks(engine).values()
    assert len(chunks) == report.counts.images + report.counts.texts
    by_uri: dict[str, set[int]] = {}
    for chunk in chunks:
        by_uri.setdefault(chunk.record.source_uri, set()).add(chunk.ordinal)
    assert all(by_uri[chunk.record.source_uri] == set(range(chunk.count)) for chunk in chunks)
    assert report.counts.tokens == sum(chunk.token_count or 0 for chunk in chunks)
    assert report.counts.tokens_cut == 0


class HeldEncoder(LegibleEncoder):
    """Encodes our pictures, not the canary's, only once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = Event()
        self.waits = Event()

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        if images[0].size == (8, 6):
            self.waits.set()
            assert self.go.wait(60)
        return super().encode_images(images)


def test_listing_runs_only_a_little_ahead_of_a_slow_encoder(ingest: Ingest) -> None:
    encoder, source = HeldEncoder(), ListSource(to_colours(2_000))
    reports: list[RunReport] = []
    thread = Thread(target=lambda: reports.append(ingest(source, encoder)))
    thread.start()
    assert encoder.waits.wait(60)
    listed = -1
    while listed != source.listed:
        listed = source.listed
        sleep(0.3)
    encoder.go.set()
    thread.join()
    assert listed <= 20 * SLICE_ITEMS
    assert reports[0].counts.added == 2_000


def test_stopping_finishes_what_was_taken_in_and_the_next_run_the_rest(
    engine: Engine, ingest: Ingest
) -> None:
    stopping = Event()

    def stop(listed: int) -> None:
        if listed == 100:
            stopping.set()

    report = ingest(ListSource(to_colours(400), on_list=stop), stopping=stopping)
    assert report.interrupted
    assert report.exit_code == 130
    assert report.counts.balanced
    assert 0 < report.counts.added < 101
    assert len(read_chunks(engine)) == report.counts.added
    again = ingest(ListSource(to_colours(400)))
    assert (again.counts.unchanged, again.counts.added) == (
        report.counts.added,
        400 - report.counts.added,
    )


def test_a_source_that_goes_away_ends_the_run_and_fails_no_item(
    engine: Engine, ingest: Ingest
) -> None:
    def listed() -> Iterator[Record]:
        yield from to_colours(40)
        raise SourceUnavailable("the bucket does not answer; try again later")

    threads = active_count()
    with pytest.raises(SourceUnavailable, match="try again later"):
        ingest(ListSource(listed()))
    assert active_count() == threads
    assert ingest(ListSource(to_colours(40))).counts.failed == 0
    assert len(read_chunks(engine)) == 40


def test_a_listing_that_hangs_holds_up_neither_a_stop_nor_a_failure(
    engine: Engine, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.pipeline.LISTING_GRACE_SECONDS", 0.01)
    let_go, stopping = Event(), Event()

    def listed() -> Iterator[Record]:
        yield from to_colours(40)
        stopping.set()
        assert let_go.wait(60)
        yield text("late", "red")

    report = ingest(ListSource(listed()), stopping=stopping)
    assert report.interrupted
    assert report.counts.balanced
    assert len(read_chunks(engine)) == report.counts.added > 0
    booms = [text(str(nth), "boom") for nth in range(SLICE_ITEMS)]
    with pytest.raises(RuntimeError, match="a bug"):
        ingest(ListSource(chain(booms, listed())), BrokenEncoder())
    let_go.set()


def test_threads_that_cannot_be_started_end_those_that_were(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, start = active_count(), Thread.start

    def refuse(thread: Thread) -> None:
        if thread.name == "diptych-encode-1":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        ingest(ListSource(to_colours(2_000)))
    assert active_count() == threads


def test_a_job_that_runs_again_reports_each_run_alone(engine: Engine) -> None:
    job = IngestJob(ListSource([text("a", "red")]), load_settings(), show_progress=False)
    first, again = (job.run(engine=engine, encoder=LegibleEncoder()) for _ in range(2))
    assert (first.counts.scanned, first.counts.added) == (1, 1)
    assert (again.counts.scanned, again.counts.unchanged) == (1, 1)


class BrokenEncoder(LegibleEncoder):
    """Fails in a way that no item is to blame for."""

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        if "boom" in texts:
            raise RuntimeError("a bug")
        return super().encode_texts(texts, role)


def test_a_bug_in_a_stage_is_raised_and_leaves_no_thread(ingest: Ingest) -> None:
    threads = active_count()
    records = [*to_colours(100), text("boom", "boom"), *to_colours(100)]
    with pytest.raises(RuntimeError, match="a bug"):
        ingest(ListSource(records), BrokenEncoder())
    assert active_count() == threads


def test_a_store_that_goes_away_ends_the_run(engine: Engine, ingest: Ingest) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the store does not answer")

    ingest(ListSource([]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "upsert", away)
        patch.setattr("ingest.store.patience.Patience.__init__.__defaults__", (2, 0.1, 0.01, 0.02))
        with pytest.raises(StoreUnavailable):
            ingest(ListSource(to_colours(400)))
    assert ingest(ListSource(to_colours(400))).counts.added == 400


def test_bytes_that_came_with_the_listing_are_not_kept_until_the_end(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bytes | None] = []

    def note(tally: Tally, outcome: Outcome) -> None:
        assert outcome.record is not None
        kept.append(outcome.record.content)
        kept.extend(chunk.record.content for chunk in to_chunks(outcome))
        count(tally, outcome)

    def to_chunks(outcome: Outcome) -> list[Chunk]:
        return outcome.pending.to_content()[0] if outcome.pending else []

    count = Tally.add
    monkeypatch.setattr(Tally, "add", note)
    listed = [*to_colours(3), text("t", "red"), image("bad", b"bad")]
    ingest(ListSource([*listed, replace(listed[0], modality=Modality.TEXT, source_uri="x://y/z")]))
    assert set(kept) == {None}
