"""Writes outcomes into the ledger, a round at a time, once their points are in the collection."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.ledger.rows import Settled, to_known
from ingest.outcome import Action
from schemas.collection import to_listing_digest, to_listing_payload
from schemas.records import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.ledger.ledger import Ledger
    from ingest.outcome import Outcome
    from ingest.plan import Known
    from schemas.records import Record


class Recorder:
    """What the ledger is told of one root.

    Args:
        ledger: The ledger.
        root: Name of the root.
        stamps: Stamp of each item at its listing.

    Attributes:
        added: How many items of each content hash were added; captions are no content.
    """

    def __init__(self, ledger: Ledger, root: str, stamps: Mapping[str, str | None]) -> None:
        """Nothing is gathered."""
        self._ledger = ledger
        self._root = root
        self._stamps = stamps
        self._gathered: list[Settled] = []
        self.added: Counter[str] = Counter()

    def intend(self, records: Sequence[Record]) -> None:
        """These are about to be encoded."""
        self._ledger.intend([record.source_uri for record in records])

    def add(self, outcome: Outcome) -> None:
        """Take a final outcome; it is in the ledger after :meth:`write`."""
        settled = self._to_settled(outcome)
        if settled is not None:
            self._gathered.append(settled)
        if outcome.action is Action.ADDED:
            first = (outcome.points[0].payload or {}) if outcome.points else {}
            if first.get("part") == Part.CONTENT:
                self.added[first["content_hash"]] += 1

    def write(self) -> None:
        """Commit what is gathered."""
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._ledger.settle(self._root, gathered)

    def _to_settled(self, outcome: Outcome) -> Settled | None:
        if outcome.record is None:
            if outcome.failure is None:
                return None
            return Settled(outcome.failure.source_uri, None, None, outcome.failure)
        uri = outcome.record.source_uri
        known = to_known(outcome.points) if outcome.points else None
        if outcome.action is Action.UNCHANGED:
            known = self._to_refreshed(outcome.record)
        return Settled(uri, self._stamps.get(uri), known, outcome.failure)

    def _to_refreshed(self, record: Record) -> Known | None:
        """What the collection holds of an unchanged item whose listing may have changed."""
        known = self._ledger.get(record.source_uri)
        listing = to_listing_digest(to_listing_payload(record))
        if known is None or known.listing == listing:
            return None
        return replace(known, location=record.location, listing=listing)
