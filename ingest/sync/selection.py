"""What of a listing must be looked at: everything whose stamp is not the known one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.fingerprint import Version
from ingest.ledger.rows import is_set_aside
from schemas.errors import Quarantined, SourceError
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ingest.dead_letters import DeadLetters
    from ingest.ledger.rows import Deaths
    from schemas.records import Record

KILLING_ATTEMPTS = 3
"""An item with which the process died so often is set aside."""


class Unlisted:
    """Of what a listing with errors tells nothing."""

    def __init__(self) -> None:
        """Everything is listed."""
        self._hidden: list[str] = []

    def add(self, error: SourceError) -> None:
        """Take an error of the listing: of an item, or, ending in a slash, of all that is below."""
        self._hidden += [one for one in (error.source_uri, error.hides) if one]

    def may_hide(self, uri: str) -> bool:
        """Whether an item that was not listed may be there all the same."""
        return any(
            uri == one or (one.endswith("/") and uri.startswith(one)) for one in self._hidden
        )


class Selection:
    """Goes once through a root's listing. For one thread at a time.

    Args:
        stamps: Stamp of every indexed item of the root; consumed.
        failed: ``(stamp, failure)`` of every item of the root that failed.
        deaths: The items of the root with which the process died.
        letters: Tells which failures are not worth another try.
        believes_stamps: False to look at every item.

    Attributes:
        listed: How many items and errors were listed.
        unchanged: How many were passed over, as they are indexed as they are.
        failed_again: Failures of those passed over as they would only fail again.
        suspects: Items with which the process died: held back, to be tried alone.
        quarantined: Those with which it died too often to be tried in every run.
        stamps_seen: Stamp of each item that was let through.
    """

    def __init__(
        self,
        stamps: dict[str, str | None],
        failed: Mapping[str, tuple[str | None, Failure]],
        deaths: Mapping[str, Deaths],
        letters: DeadLetters,
        *,
        believes_stamps: bool = True,
    ) -> None:
        """Nothing is listed yet."""
        self._stamps = stamps
        self._failed = failed
        # What is indexed is forgotten when it is swept, and may have come back to what it was.
        self._unseen_failures = set(failed).union(deaths.keys() - stamps.keys())
        self._deaths = deaths
        self._letters = letters
        self._believes_stamps = believes_stamps
        self._unlisted = Unlisted()
        self.listed = 0
        self.unchanged = 0
        self.failed_again: list[tuple[Record, Failure]] = []
        self.suspects: list[Record] = []
        self.quarantined: list[Record] = []
        self.stamps_seen: dict[str, str | None] = {}

    def iter_changed(
        self, listed: Iterable[Record | SourceError]
    ) -> Iterator[Record | SourceError]:
        """The items to look at, lazily, in their order."""
        pop, believes = self._stamps.pop, self._believes_stamps
        failed, deaths = self._failed, self._deaths
        for item in listed:
            self.listed += 1
            if isinstance(item, SourceError):
                self._note_error(item)
                yield item
                continue
            uri, stamp = item.source_uri, item.stamp
            known = pop(uri, None)
            # The inner loop of a run that has nothing to do: a few lookups an item.
            if known is not None and known == stamp and believes and uri not in failed:
                self.unchanged += 1
                continue
            if uri in failed and self._fails_again(item):
                continue
            if uri in deaths:
                self._hold_back(item)
                continue
            self.stamps_seen[uri] = stamp
            yield item

    def to_unseen(self) -> frozenset[str]:
        """URIs that are indexed and were not listed, for whatever reason."""
        return frozenset(self._stamps)

    def to_suspects(self) -> list[Record]:
        """Those to be tried alone, the worst last: it may end the process once more."""
        return sorted(self.suspects, key=lambda one: self._deaths[one.source_uri].times)

    def to_vanished(self) -> list[str]:
        """URIs that are indexed and were not listed, below folders that could be; sorted."""
        return sorted(uri for uri in self._stamps if not self._unlisted.may_hide(uri))

    def to_vanished_failures(self) -> list[str]:
        """URIs that failed, or died before they were indexed, and were not listed; sorted."""
        return sorted(uri for uri in self._unseen_failures if not self._unlisted.may_hide(uri))

    def _note_error(self, error: SourceError) -> None:
        self._unlisted.add(error)
        self._unseen_failures.discard(error.source_uri)

    def _fails_again(self, record: Record) -> bool:
        """Whether it failed with this very stamp, in a way that another try will not change."""
        stamp, failure = self._failed[record.source_uri]
        self._unseen_failures.discard(record.source_uri)
        if not self._believes_stamps or stamp is None or stamp != record.stamp:
            return False
        if not failure.content_hash:
            return False
        if self._letters.find_final(*_to_version(failure)) is None:
            return False
        self.failed_again.append((record, failure))
        return True

    def _hold_back(self, record: Record) -> None:
        self._unseen_failures.discard(record.source_uri)
        deaths = self._deaths[record.source_uri]
        if self._letters.retry or is_due(deaths) or self._has_changed(record):
            self.suspects.append(record)
        else:
            self.quarantined.append(record)
        self.stamps_seen[record.source_uri] = record.stamp

    def _has_changed(self, record: Record) -> bool:
        """Whether it is not what it was when it was set aside."""
        stamp, failure = self._failed.get(record.source_uri, (None, None))
        return failure is not None and is_set_aside(failure) and stamp != record.stamp


def is_due(deaths: Deaths) -> bool:
    """Whether an item with which the process died is tried in this run.

    Nothing tells one that kills the process from one that was under way whenever something else
    did. So it is never given up: after three deaths one run passes it over, after four two, after
    five four, and so on. A guilty one costs ever fewer runs, and an innocent one is indexed.
    """
    beyond = deaths.times - KILLING_ATTEMPTS
    return beyond < 0 or deaths.passed_over >= 1 << beyond


def _to_version(failure: Failure) -> tuple[str, Version]:
    return failure.source_uri, Version(failure.content_hash, failure.fingerprint)


def to_quarantined(record: Record) -> Failure:
    """The failure of an item with which the process died too often."""
    error = Quarantined(
        record.source_uri,
        "the process died each of the last times with it under way, so it is left alone for some "
        "runs, or until it changes: look at the file, or try it again with --retry-failed",
    )
    return Failure.from_error(error, record.location)
