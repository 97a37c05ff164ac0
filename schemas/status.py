"""What is indexed, from where, when last, by which model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class LedgerState(StrEnum):
    """Whether a ledger may be believed; where it may not, the next run reads it anew."""

    AGREES = "agrees"
    OUT_OF_STEP = "out of step"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class RootStatus:
    """One root of a collection.

    Attributes:
        root: Its name.
        source: Where it is, as the collection remembers; None where it does not.
        images: Image points.
        texts: Text points.
        items: Indexed items; None where no ledger knows.
        failed: Items that failed in the last run.
        finished_at: When it was last gone through to its end, ISO 8601; None where no ledger knows.
    """

    root: str
    source: str | None
    images: int
    texts: int
    items: int | None
    failed: int
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class GenerationStatus:
    """One generation of a collection.

    Attributes:
        name: Its own name.
        model_id: Of its embedding space.
        state: ``live``, ``building`` or ``kept``.
        points: How many it has.
        created_at: ISO 8601 in UTC; None where it does not say.
    """

    name: str
    model_id: str
    state: str
    points: int
    created_at: str | None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A collection as it stands.

    Attributes:
        url: The index.
        collection: The live generation.
        model_id: Of its embedding space.
        fingerprint: Of its embedding space.
        points: How many it has.
        roots: Sorted by name.
        failures: Known failures by kind.
        generations: All of the collection, oldest first.
        last_run: Report of the newest run as the ledger keeps it; None where none does.
        ledger: Whether the ledger agrees with the collection.
        ledger_path: Where the ledger is or would be; None for an index in memory.
        ledger_bytes: Its size on disk, its journal included.
        index_bytes: Size of an embedded index's folder; None for a server.
        notes: What else is worth knowing, a sentence each.
    """

    url: str
    collection: str
    model_id: str
    fingerprint: str
    points: int
    roots: tuple[RootStatus, ...] = ()
    failures: dict[str, int] = field(default_factory=dict)
    generations: tuple[GenerationStatus, ...] = ()
    last_run: dict[str, Any] | None = None
    ledger: LedgerState = LedgerState.MISSING
    ledger_path: str | None = None
    ledger_bytes: int = 0
    index_bytes: int | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)
