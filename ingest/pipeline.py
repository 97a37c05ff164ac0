"""The stages, overlapped and bounded: list -> read -> decode -> encode -> upsert.

Worker threads each take a slice of records of one modality through reading, decoding and
encoding; decoders and encoders release the interpreter lock, so one thread a core keeps every
core at work without handing pixels from thread to thread. The calling thread lists and writes.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ingest.encode import encode_prepared
from ingest.outcome import Action, Outcome
from schemas.errors import SourceError, UnsupportedModality
from schemas.records import Modality
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from threading import Event

    from ingest.prepare import Prepared, Preparer
    from ingest.stopwatch import Stopwatch
    from ingest.store.writer import Writer
    from schemas.records import Record
    from schemas.space import Encoder

SLICES_PER_WORKER = 2
"""Slices under way a worker: one being worked on, one waiting, so that no worker waits."""

CHECKPOINT_POINTS = 10_000
"""Points between two checkpoints: what a loss of power may cost at most. (The loss of the process
alone costs no written point.)"""

UPSERT_POINTS = 64
"""Points gathered before they are written: well inside one request, few round trips."""


class Pipeline:
    """Takes listed records to points in a collection.

    Args:
        preparer: Reads, compares, decodes and chunks.
        encoder: Encodes; its calls may come from several threads.
        writer: Writes to one collection.
        workers: Threads that prepare and encode.
        batch_size: Items in one slice and in one encoder call, at most.
        stopwatch: Where the time goes.
        before_encoding: Called before each encoding; raises to stop the run.
        stopping: Set from outside (a signal handler) to end the run early but whole.
    """

    def __init__(  # noqa: PLR0913 - the stages are its parts
        self,
        preparer: Preparer,
        encoder: Encoder,
        writer: Writer,
        *,
        workers: int,
        batch_size: int,
        stopwatch: Stopwatch,
        before_encoding: Callable[[], None],
        stopping: Event,
    ) -> None:
        """Keep the stages."""
        self._preparer = preparer
        self._encoder = encoder
        self._writer = writer
        self._workers = workers
        self._batch_size = batch_size
        self._stopwatch = stopwatch
        self._before_encoding = before_encoding
        self._stopping = stopping
        self._unsafe_points = 0
        self._is_cut_short = False

    def run(
        self, listed: Iterable[Record | SourceError], on_outcome: Callable[[Outcome], None]
    ) -> bool:
        """Index everything that is listed.

        Args:
            listed: Records, and errors in the place of what could not be listed; read lazily, a
                few slices ahead of the workers.
            on_outcome: Told each outcome once it is final: its points are in the collection.

        Returns:
            Whether the end of the listing was reached; False when ``stopping`` was set first, and
            then the slices under way have been finished and written.

        Raises:
            StoreUnavailable: The store went away for longer than retries last.
            EncoderError: The encoder cannot be used at all.
        """
        unwritten: list[Outcome] = []
        for outcome in self._iter_outcomes(listed):
            unwritten.append(outcome)
            if sum(len(one.points) for one in unwritten) >= UPSERT_POINTS:
                self._write(unwritten, on_outcome)
                unwritten = []
        self._write(unwritten, on_outcome)
        return not self._is_cut_short

    def _iter_outcomes(self, listed: Iterable[Record | SourceError]) -> Iterator[Outcome]:
        """Outcomes slice by slice, in the order of the listing within a modality."""
        under_way: deque[Future[list[Outcome]]] = deque()
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="diptych-ingest")
        try:
            for part in self._iter_slices(listed):
                if self._stopping.is_set():
                    self._is_cut_short = True
                    break
                under_way.append(pool.submit(self._process, part))
                if len(under_way) >= self._workers * SLICES_PER_WORKER:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _iter_slices(
        self, listed: Iterable[Record | SourceError]
    ) -> Iterator[Sequence[Record | SourceError]]:
        """Records of one modality, ``batch_size`` at a time; errors ride along."""
        filling: dict[Modality, list[Record | SourceError]] = {
            modality: [] for modality in Modality
        }
        for item in self._stopwatch.iterate("list", listed):
            modality = Modality.IMAGE if isinstance(item, SourceError) else item.modality
            filling[modality].append(item)
            if len(filling[modality]) >= self._batch_size:
                yield filling[modality]
                filling[modality] = []
        yield from filter(None, filling.values())

    def _process(self, part: Sequence[Record | SourceError]) -> list[Outcome]:
        """One slice from listing to vectors; runs in a worker thread."""
        outcomes: list[Outcome] = []
        prepared: list[Prepared] = []
        for item in part:
            ready = self._prepare(item)
            if isinstance(ready, Outcome):
                outcomes.append(ready)
            else:
                prepared.append(ready)
        if prepared:
            self._before_encoding()
            outcomes += encode_prepared(
                prepared, self._encoder, batch_size=self._batch_size, stopwatch=self._stopwatch
            )
        return outcomes

    def _prepare(self, item: Record | SourceError) -> Prepared | Outcome:
        """The chunks of a record, or the outcome of one that needs no encoding."""
        if isinstance(item, SourceError):
            return _to_failed(item, None)
        try:
            ready = self._preparer.prepare(item)
        except SourceError as error:
            return _to_failed(error, item)
        except UnsupportedModality as error:
            failure = Failure(item.source_uri, item.location, error.kind, str(error))
            return Outcome(Action.FAILED, item, failure=failure)
        return ready or Outcome(Action.UNCHANGED, item)

    def _write(self, outcomes: Sequence[Outcome], on_outcome: Callable[[Outcome], None]) -> None:
        """New points in first, then the stale ones out: an item never vanishes in between."""
        points = [point for outcome in outcomes for point in outcome.points]
        stale_ids = [point_id for outcome in outcomes for point_id in outcome.stale_ids]
        with self._stopwatch.lap("upsert"):
            if points:
                self._writer.upsert(points)
            if stale_ids:
                self._writer.delete(stale_ids)
            self._keep_safe(len(points))
        for outcome in outcomes:
            on_outcome(outcome)

    def _keep_safe(self, written: int) -> None:
        """Flush the store once enough has been written since the last time."""
        self._unsafe_points += written
        if self._unsafe_points >= CHECKPOINT_POINTS:
            self._writer.flush()
            self._unsafe_points = 0


def _to_failed(error: SourceError, record: Record | None) -> Outcome:
    location = record.location if record else ""
    return Outcome(Action.FAILED, record, failure=Failure.from_error(error, location))
