"""The stages, overlapped and bounded: list -> read -> decode -> batch -> encode -> upsert.

Every stage has threads of its own and hands its results to the next one through a bounded
channel, so the slowest stage sets the pace, the others wait, and memory does not grow with the
number of items. The calling thread writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from ingest.batches import Batcher
from ingest.channel import ByteBudget, Channel, ChannelAborted
from ingest.encode import iter_encoded
from ingest.intake import Work
from schemas.errors import InvalidVector, SourceError
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from threading import Event

    from ingest.intake import Intake
    from ingest.outcome import Outcome
    from ingest.pending import Piece
    from ingest.prepare import Preparer
    from ingest.settle import Settler
    from ingest.stopwatch import Stopwatch
    from schemas.records import Record
    from schemas.space import Encoder

SLICE_ITEMS = 16
"""Listed items that are taken in together: one look into the store for all of them."""

SLICE_BYTES = 8_000_000
"""A slice of large items ends here."""

UNDECODED_BYTES = 256_000_000
"""Bytes of files that are read and not yet decoded, at most."""

IDLE_SECONDS = 0.2
"""When nothing came for so long, gathered pieces are encoded in short batches, and gathered points
are written."""

LISTING_GRACE_SECONDS = 2.0
"""A listing that is not wanted any more is waited for no longer: it may hang in a file system or on
a network. Its thread ends with its next item, or with the process."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many threads each stage has.

    Attributes:
        read: More than a few pay where reading waits for a network.
        decode: One a core keeps every core at work.
        encode: One a core on a CPU, each with one thread inside; one for a GPU.
    """

    read: int
    decode: int
    encode: int


@dataclass(frozen=True, slots=True)
class Stages:
    """What the stages do.

    Attributes:
        intake: Reads, hashes and compares.
        preparer: Decodes and cuts.
        encoder: Encodes; its calls come from several threads.
        before_encoding: Called before each encoding; raises to stop the run.
        batch_size: Gives how many pieces of a modality one encoder call has at most.
        stopwatch: Where the time goes.
    """

    intake: Intake
    preparer: Preparer
    encoder: Encoder
    before_encoding: Callable[[], None]
    batch_size: Callable[[Modality], int]
    stopwatch: Stopwatch


class Pipeline:
    """Takes listed items to points in a collection. For one run.

    Args:
        stages: What is done.
        settler: Writes outcomes; called from the calling thread alone.
        workers: By how many threads.
        stopping: Set from outside (a signal handler) to end the run early but whole.
    """

    def __init__(
        self, stages: Stages, settler: Settler, *, workers: Workers, stopping: Event
    ) -> None:
        """Lay the channels; nothing runs yet."""
        self._stages = stages
        self._settler = settler
        self._stopping = stopping
        self._is_cut_short = False
        self._workers = workers
        self._error: BaseException | None = None
        self._budget = ByteBudget(UNDECODED_BYTES)
        self._listed: Channel[Sequence[Record | SourceError]] = Channel(2 * workers.read, 1)
        self._read: Channel[Work] = Channel(2 * max(workers.decode, workers.read), workers.read)
        self._pieces: Channel[Piece] = Channel(
            2 * stages.batch_size(Modality.IMAGE), workers.decode
        )
        self._batches: Channel[Sequence[Piece]] = Channel(workers.encode, 1)
        # The readers, the decoders and the encoders all settle outcomes.
        settling = workers.read + workers.decode + workers.encode
        self._settled: Channel[Sequence[Outcome]] = Channel(4 * SLICE_ITEMS, settling)

    def run(self, listed: Iterable[Record | SourceError]) -> bool:
        """Index everything that is listed.

        Args:
            listed: Records, and errors in the place of what could not be listed; read lazily, a
                few slices ahead of the readers.

        Returns:
            Whether the end of the listing was reached; False when ``stopping`` was set first, and
            then everything that had been taken in has been finished and written.

        Raises:
            StoreUnavailable: The store went away for longer than retries last.
            SourceUnavailable: The source did.
            DiptychError: Something else than an item failed: the encoder cannot be used at all.
        """
        lister, *others = self._to_threads(listed)
        try:
            for thread in (lister, *others):
                thread.start()
            self._settle_all()
        except ChannelAborted:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again below
            self._abort(error)
        finally:
            for thread in others:
                if thread.ident is not None:
                    thread.join()
            lister.join(LISTING_GRACE_SECONDS)
        if self._error is not None:
            raise self._error
        return not self._is_cut_short

    def _to_threads(self, listed: Iterable[Record | SourceError]) -> list[Thread]:
        works: list[tuple[str, int, Callable[[], None]]] = [
            ("list", 1, lambda: self._list(listed)),
            ("read", self._workers.read, self._take_in),
            ("decode", self._workers.decode, self._prepare),
            ("batch", 1, self._gather),
            ("encode", self._workers.encode, self._encode),
        ]
        return [
            Thread(target=self._guarded, args=(work,), name=f"diptych-{name}-{nth}", daemon=True)
            for name, count, work in works
            for nth in range(count)
        ]

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run one thread of a stage; what it raises ends the whole run."""
        try:
            work()
        except ChannelAborted:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the calling thread
            self._abort(error)

    def _abort(self, error: BaseException) -> None:
        self._error = self._error or error
        for channel in (self._listed, self._read, self._pieces, self._batches, self._settled):
            channel.abort()
        self._budget.abort()

    def _list(self, listed: Iterable[Record | SourceError]) -> None:
        """Items, a slice at a time; bytes that come with them count towards the budget here."""
        part: list[Record | SourceError] = []
        part_bytes = 0
        for item in self._stages.stopwatch.iterate("list", listed):
            if self._stopping.is_set():
                self._is_cut_short = True
                break
            part.append(item)
            part_bytes += _to_held(item)
            if len(part) >= SLICE_ITEMS or part_bytes >= SLICE_BYTES:
                self._listed.put(part)
                part, part_bytes = [], 0
        if part:
            self._listed.put(part)
        self._listed.finish()

    def _take_in(self) -> None:
        for part in self._listed:
            held = [_to_held(item) for item in part]
            self._budget.take(sum(held))
            taken = self._stages.intake.take(part)
            works = [Work(one.pending, one.content, len(one.content or b"")) for one in taken.works]
            self._budget.give(sum(held) - sum(work.held_bytes for work in works))
            # Where the vector was given there is nothing to decode, and no reason to queue.
            given = [work for work in works if work.is_given]
            self._put_settled([*taken.outcomes, *map(self._cut, given)])
            self._budget.give(sum(work.held_bytes for work in given))
            for work in works:
                if not work.is_given:
                    self._read.put(work)
        self._read.finish()
        self._settled.finish()

    def _put_settled(self, outcomes: Iterable[Outcome | None]) -> None:
        settled = [outcome for outcome in outcomes if outcome is not None]
        if settled:
            self._settled.put(settled)

    def _prepare(self) -> None:
        for work in self._read:
            outcome = self._cut(work)
            self._budget.give(work.held_bytes)
            self._put_settled([outcome])
        self._pieces.finish()
        self._settled.finish()

    def _cut(self, work: Work) -> Outcome | None:
        """Hand the pieces of one record on; gives its outcome where nothing is left to encode."""
        pending, preparer = work.pending, self._stages.preparer
        is_complete = False
        try:
            if pending.record.vector is not None:
                chunk, vector = preparer.to_given(work)
                if work.is_given:
                    return pending.to_given_outcome(chunk, vector)
                is_complete = pending.adopt([chunk], [vector], reused=False)
            for piece in preparer.iter_pieces(work):
                self._pieces.put(piece)
        except (SourceError, InvalidVector) as error:
            return pending.to_failed(error) if pending.fail() else None
        if pending.record.vector is None and work.content is not None:
            is_complete = pending.close_part()
        if pending.caption is not None:
            is_complete = pending.close_part() or is_complete
        return pending.to_outcome(self._stages.encoder.space.window_tokens) if is_complete else None

    def _gather(self) -> None:
        """Pieces to batches; what is gathered is not kept waiting when no more come."""
        batcher = Batcher(self._stages.batch_size)
        while not self._pieces.is_finished:
            piece = self._pieces.get(IDLE_SECONDS)
            for batch in batcher.add(piece) if piece else batcher.flush():
                self._batches.put(batch)
        for batch in batcher.flush():
            self._batches.put(batch)
        self._batches.finish()

    def _encode(self) -> None:
        stages = self._stages
        for pieces in self._batches:
            stages.before_encoding()
            with stages.stopwatch.lap("encode"):
                outcomes = list(iter_encoded(pieces, stages.encoder))
            self._put_settled(outcomes)
        self._settled.finish()

    def _settle_all(self) -> None:
        """Write outcomes as they come, and what is gathered when none comes for a while."""
        while not self._settled.is_finished:
            if self._stopping.is_set() and self._listed.close():
                self._is_cut_short = True
            outcomes = self._settled.get(IDLE_SECONDS)
            if outcomes is None:
                self._settler.flush()
            for outcome in outcomes or ():
                self._settler.add(outcome)
        self._settler.flush()


def _to_held(item: Record | SourceError) -> int:
    """Bytes that an item will hold until it is decoded, as far as its listing tells."""
    if isinstance(item, SourceError):
        return 0
    return len(item.content) if item.content is not None else item.size_bytes
