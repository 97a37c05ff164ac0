"""Write what is ready, then tell who waits for it: the last stage, in one thread."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.outcome import Action, Outcome
from ingest.twins import to_twin

if TYPE_CHECKING:
    from ingest.callbacks import Callbacks
    from ingest.pending import Pending
    from ingest.stopwatch import Stopwatch
    from ingest.store.writer import Writer
    from ingest.twins import Twins
    from schemas.report import Failure

UPSERT_POINTS = 128
"""Points gathered before they are written: well inside one request, few round trips."""

CHECKPOINT_POINTS = 10_000
"""Points between two checkpoints: what a loss of power may cost at most. (The loss of the process
alone costs no written point.)"""


class Settler:
    """Makes outcomes final.

    Args:
        writer: Writes to one collection.
        twins: Who waits for whose content.
        window_tokens: Of the encoder.
        callbacks: Told each outcome once it is final, and after each round of them.
        stopwatch: Where the time goes.
    """

    def __init__(
        self,
        writer: Writer,
        twins: Twins,
        *,
        window_tokens: int,
        callbacks: Callbacks,
        stopwatch: Stopwatch,
    ) -> None:
        """Nothing is gathered."""
        self._writer = writer
        self._twins = twins
        self._window_tokens = window_tokens
        self._callbacks = callbacks
        self._stopwatch = stopwatch
        self._gathered: list[Outcome] = []
        self._gathered_points = 0
        self._unsafe_points = 0

    def add(self, outcome: Outcome) -> None:
        """Take one outcome; it is final at the latest with the next :meth:`flush`."""
        self._gathered.append(outcome)
        self._gathered_points += len(outcome.points)
        if self._gathered_points >= UPSERT_POINTS or len(self._gathered) >= UPSERT_POINTS:
            self._write()

    def flush(self) -> None:
        """Write everything, and everything that waited for it."""
        while self._gathered:
            self._write()

    def _write(self) -> None:
        """New points in first, then the stale ones out: an item never vanishes in between."""
        outcomes, self._gathered, self._gathered_points = self._gathered, [], 0
        points = [point for outcome in outcomes for point in outcome.points]
        stale_ids = [point_id for outcome in outcomes for point_id in outcome.stale_ids]
        with self._stopwatch.lap("upsert"):
            if points:
                self._writer.upsert(points)
            if stale_ids:
                self._writer.delete(stale_ids)
            self._keep_safe(len(points))
        for outcome in outcomes:
            self._callbacks.on_outcome(outcome)
            self._release(outcome)
        self._callbacks.on_written()

    def _release(self, outcome: Outcome) -> None:
        """Give a written record's content to those of the same bytes, or its failure.

        One that failed for its caption has its content all the same.
        """
        owner, failure = outcome.pending, outcome.failure
        if owner is None or owner.record.vector is not None:
            return
        for waiting in self._twins.release(owner):
            if failure is not None and failure.content_hash:
                settled = _fail_alike(waiting, failure)
            else:
                settled = self._lend(owner, waiting)
            if settled is not None:
                self.add(settled)

    def _lend(self, owner: Pending, waiting: Pending) -> Outcome | None:
        chunks, vectors = owner.to_content()
        twins = [to_twin(chunk, waiting.record) for chunk in chunks]
        return waiting.to_outcome(self._window_tokens) if waiting.adopt(twins, vectors) else None

    def _keep_safe(self, written: int) -> None:
        """Flush the store once enough has been written since the last time."""
        self._unsafe_points += written
        if self._unsafe_points >= CHECKPOINT_POINTS:
            self._writer.flush()
            self._unsafe_points = 0


def _fail_alike(waiting: Pending, failure: Failure) -> Outcome | None:
    """The failure of a record that waited for one whose content, which is its own, failed."""
    record = waiting.record
    alike = replace(
        failure,
        source_uri=record.source_uri,
        location=record.location,
        message=f"{failure.message} (the same bytes as {failure.source_uri})",
        attempts=waiting.attempts + 1,
    )
    return Outcome(Action.FAILED, record, failure=alike) if waiting.fail() else None
