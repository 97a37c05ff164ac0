"""Read, hash, compare: what is left of a listed record is what must be decoded and encoded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.comparison import (
    check_modality,
    read_content,
    to_caption_version,
    to_described,
    to_version,
)
from ingest.decode.text import may_link_images
from ingest.outcome import Action, Outcome
from ingest.pending import Pending
from ingest.twins import find_twins
from schemas.errors import SourceError, UnsupportedModality
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ingest.dead_letters import DeadLetters
    from ingest.decode.limits import Limits
    from ingest.fingerprint import Fingerprints
    from ingest.plan import Known
    from ingest.sources.source import Source
    from ingest.stopwatch import Stopwatch
    from ingest.store.engine import Engine
    from ingest.twins import Content, Twins
    from schemas.records import Record


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A record that has something to encode.

    Attributes:
        pending: The record under way.
        content: Its bytes; None when its content comes from elsewhere and only its caption is to
            be cut.
        held_bytes: What it holds of the budget for undecoded bytes.
    """

    pending: Pending
    content: bytes | None
    held_bytes: int = 0

    @property
    def is_given(self) -> bool:
        """Whether its vector came with it, and there is no caption to encode."""
        return self.pending.record.vector is not None and self.pending.caption is None


@dataclass(slots=True)
class Taken:
    """What came of some listed items.

    Attributes:
        outcomes: Of those that are settled without encoding.
        works: The others.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)


class Intake:
    """Takes listed items in. Safe to use from several threads.

    Args:
        source: Reads them.
        known: What the collection holds, by source URI.
        dead_letters: What failed before.
        fingerprints: Of the pipeline.
        engine: Where content of the same bytes is looked for.
        collection_name: In which collection.
        lender: Another collection of the same space where it is looked for then.
        twins: Who encodes what in this run.
        limits: Over which an item is refused.
        stopwatch: Where the time goes.
        before_work: Told the records that are about to be decoded and encoded.
    """

    def __init__(  # noqa: PLR0913 - everything a record is measured against
        self,
        source: Source,
        known: Mapping[str, Known],
        dead_letters: DeadLetters,
        fingerprints: Fingerprints,
        *,
        engine: Engine,
        collection_name: str,
        twins: Twins,
        limits: Limits,
        stopwatch: Stopwatch,
        before_work: Callable[[Sequence[Record]], None],
        lender: str | None = None,
    ) -> None:
        """Keep what every record is measured against."""
        self._before_work = before_work
        self._source = source
        self._known = known
        self._dead_letters = dead_letters
        self._fingerprints = fingerprints
        self._engine = engine
        self._lenders = [collection_name, *([lender] if lender else [])]
        self._twins = twins
        self._limits = limits
        self._stopwatch = stopwatch

    def take(self, items: Sequence[Record | SourceError]) -> Taken:
        """Read some items and tell which of them must be encoded.

        Raises:
            StoreUnavailable: The store did not answer.
            SourceUnavailable: The source went away.
        """
        taken = Taken()
        for item in items:
            one = self._take(item)
            if isinstance(one, Outcome):
                taken.outcomes.append(one)
            else:
                taken.works.append(one)
        self._borrow(taken)
        if taken.works:
            self._before_work([work.pending.record for work in taken.works])
        return taken

    def _take(self, item: Record | SourceError) -> Outcome | Work:
        if isinstance(item, SourceError):
            return Outcome(Action.FAILED, failure=Failure.from_error(item, ""))
        try:
            check_modality(item, self._fingerprints.space)
            with self._stopwatch.lap("read"):
                content = read_content(self._source, item, self._limits.max_source_bytes)
                pending = self._to_pending(item, content)
        except (SourceError, UnsupportedModality) as error:
            return to_unread(item, error)
        return self._settle(pending) or Work(pending, content)

    def _to_pending(self, record: Record, content: bytes) -> Pending:
        record = to_described(record)
        caption = to_caption_version(record, self._fingerprints)
        folder = self._to_folder(record, content)
        version = to_version(record, content, self._fingerprints)
        known = self._known.get(record.source_uri)
        attempts = self._dead_letters.attempts(record.source_uri, version)
        return Pending(record, known, version, caption, attempts, folder=folder)

    def _to_folder(self, record: Record, content: bytes) -> str | None:
        """Where a document's content may name images, if it may."""
        if record.vector is not None or not self._fingerprints.has_figures(record):
            return None
        if not may_link_images(content, record.media_type):
            return None
        return os.path.dirname(record.location)  # noqa: PTH120 - paths may be no text

    def _settle(self, pending: Pending) -> Outcome | None:
        """The outcome of what is indexed already, or has failed as it is."""
        versions = [version for version in (pending.content, pending.caption) if version]
        known = pending.known
        if known and known.holds(versions) and known.is_described_by(pending.record):
            return Outcome(Action.UNCHANGED, pending.record)
        failure = self._dead_letters.find_final(pending.record.source_uri, pending.content)
        if failure is None:
            return None
        return Outcome(Action.FAILED, pending.record, failure=failure)

    def _borrow(self, taken: Taken) -> None:
        """Let content of the same bytes come from where it is encoded already."""
        asked = [work for work in taken.works if work.pending.record.vector is None]
        claimed = [work for work in asked if self._twins.claim(work.pending)]
        lent: set[int] = {id(work) for work in asked} - {id(work) for work in claimed}
        if claimed:
            wanted = [work.pending for work in claimed]
            with self._stopwatch.lap("compare"):
                found = self._find_twins(wanted)
            for index, (chunks, vectors) in found.items():
                lent.add(id(claimed[index]))
                if wanted[index].adopt(chunks, vectors):
                    taken.outcomes.append(wanted[index].to_outcome(self._window_tokens))
        taken.works = [
            Work(work.pending, None) if id(work) in lent else work
            for work in taken.works
            if id(work) not in lent or work.pending.caption
        ]

    def _find_twins(self, wanted: Sequence[Pending]) -> dict[int, Content]:
        found: dict[int, Content] = {}
        for name in self._lenders:
            missing = [index for index in range(len(wanted)) if index not in found]
            if missing:
                lent = find_twins(self._engine, name, [wanted[index] for index in missing])
                found |= {missing[index]: content for index, content in lent.items()}
        return found

    @property
    def _window_tokens(self) -> int:
        return self._fingerprints.space.window_tokens


def to_unread(record: Record, error: SourceError | UnsupportedModality) -> Outcome:
    """The outcome of a record whose bytes could not be had."""
    reason = error.reason if isinstance(error, SourceError) else str(error)
    failure = Failure(record.source_uri, record.location, error.kind, reason)
    return Outcome(Action.FAILED, to_described(record), failure=failure)
