"""What an audit of sources, ledger and collection found."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from schemas.report import EXIT_INTERRUPTED, EXIT_MISMATCH, EXIT_OK

if TYPE_CHECKING:
    from schemas.sync_report import RootProblem, SyncReport


class FindingKind(StrEnum):
    """In what way something is not as it should be."""

    MISSING = "missing"
    """An item is listed and has not failed, and not all of its points are there."""

    STALE = "stale"
    """Points are not what the item's bytes, its listing or the pipeline would give now."""

    ORPHANED = "orphaned"
    """Points of an item that its root does not list, or of a root that nobody remembers."""

    DUPLICATED = "duplicated"
    """A point whose id is not that of the item and the chunk that its payload names."""

    WRONG_SPACE = "wrong_space"
    """A point that no pipeline of the settings makes, or of another dimension."""

    NON_FINITE = "non_finite"
    """A vector that is not finite, or not of unit length."""

    UNREACHABLE = "unreachable"
    """A root that cannot be opened or listed, or an item whose bytes cannot be read."""

    UNLEDGERED = "unledgered"
    """The ledger says another thing of an item than the collection, and they should agree."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        kind: In what way.
        source_uri: The item or root; empty for a point that names none.
        location: Where it lies, or lay.
        message: What is the matter.
    """

    kind: FindingKind
    source_uri: str
    location: str
    message: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The outcome of an audit; after a repair, of the one that followed it.

    Attributes:
        run_id: Names the run in reports and logs.
        started_at: ISO 8601 in UTC.
        finished_at: Likewise.
        url: The index.
        collection: The concrete collection that was audited.
        model_id: The model in use.
        roots: Names of the roots that were compared with their sources.
        items: How many items they listed.
        points: How many points were looked at.
        findings: What is not as it should be.
        repaired: What the audit before the repair had found.
        repair: What the repair did; None where none was asked for or needed.
        seconds: All of it.
        interrupted: Whether it was stopped before its end.
        notes: What else is worth knowing, a sentence each.
        problems: What ended it, if that was an error; nothing else is known then.
    """

    command: ClassVar[str] = "verify"

    run_id: str
    started_at: str
    finished_at: str
    url: str
    collection: str
    model_id: str
    roots: tuple[str, ...] = ()
    items: int = 0
    points: int = 0
    findings: tuple[Finding, ...] = ()
    repaired: tuple[Finding, ...] = ()
    repair: SyncReport | None = None
    seconds: float = 0.0
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    problems: tuple[RootProblem, ...] = ()
    counts: dict[str, int] = field(init=False)
    """Findings by kind, the kinds without any left out."""

    def __post_init__(self) -> None:
        """Count."""
        counted = Counter(str(finding.kind) for finding in self.findings)
        counts = {str(kind): counted[str(kind)] for kind in FindingKind if counted[str(kind)]}
        object.__setattr__(self, "counts", counts)

    @property
    def is_interrupted(self) -> bool:
        """As every report has it."""
        return self.interrupted

    @property
    def exit_code(self) -> int:
        """0; 4 when something was found and is not repaired; 130 when stopped before the end.

        That of the error which ended it, if one did.
        """
        if self.interrupted:
            return EXIT_INTERRUPTED
        if self.problems:
            return self.problems[0].exit_code
        return EXIT_MISMATCH if self.findings else EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        repair = self.repair.to_json() if self.repair else None
        said = {"command": self.command, **asdict(self)}
        return {**said, "repair": repair, "exit_code": self.exit_code}
