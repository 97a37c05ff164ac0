"""What a synchronisation did: one report a root, and what holds for all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from schemas.report import EXIT_INTERRUPTED, EXIT_ITEMS_FAILED, EXIT_OK, Counts

if TYPE_CHECKING:
    from schemas.errors import DiptychError
    from schemas.report import RunReport


@dataclass(frozen=True, slots=True)
class RootProblem:
    """A root that could not be synchronised, wholly or in part.

    Attributes:
        root: Its name, or what the user called it where it has none yet.
        kind: Class name of the error, e.g. ``SourceUnavailable``, ``MassDeleteRefused``.
        message: What was wrong and what to do.
        exit_code: Of that error.
    """

    root: str
    kind: str
    message: str
    exit_code: int

    @classmethod
    def from_error(cls, root: str, error: DiptychError) -> RootProblem:
        """The problem that an error of a root amounts to."""
        return cls(root, error.kind, str(error), error.exit_code)

    def __str__(self) -> str:
        """A line for people: kind, root and message; many messages begin with the root's name."""
        prefix = f"{self.root}: "
        return f"{self.kind}: {prefix}{self.message.removeprefix(prefix)}"


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The outcome of one synchronisation.

    Attributes:
        run_id: Names the run in reports, logs and the ledger.
        command: ``sync``, ``migrate`` or ``verify``.
        started_at: ISO 8601 in UTC.
        finished_at: Likewise.
        url: The index.
        collection: The concrete collection that was written.
        model_id: The model in use.
        fingerprint: Of its embedding space.
        roots: One report a root that was gone through, in order.
        problems: Roots that were not, or not wholly.
        points: Points in the collection at the end, by exact count; None where nothing was written
            and counting would have meant loading an embedded index.
        rebuilt: Whether the ledger was missing or out of step, and was read anew from the payloads.
        seconds: The whole run, by a clock that nobody sets.
        notes: What else is worth knowing, a sentence each.
    """

    run_id: str
    command: str
    started_at: str
    finished_at: str
    url: str
    collection: str
    model_id: str
    fingerprint: str
    roots: tuple[RunReport, ...] = ()
    problems: tuple[RootProblem, ...] = ()
    points: int | None = None
    rebuilt: bool = False
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Counts:
        """The sums over all roots."""
        sums: dict[str, int] = {}
        for root in self.roots:
            for name, number in asdict(root.counts).items():
                sums[name] = sums.get(name, 0) + number
        return Counts(**sums)

    @property
    def is_interrupted(self) -> bool:
        """Whether the run was stopped before the end of its sources."""
        return any(root.interrupted for root in self.roots)

    @property
    def exit_code(self) -> int:
        """130 when stopped; else that of the first problem; 3 when items failed; 0."""
        if self.is_interrupted:
            return EXIT_INTERRUPTED
        if self.problems:
            return self.problems[0].exit_code
        failed = any(root.failures for root in self.roots)
        return EXIT_ITEMS_FAILED if failed else EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; the sums and the exit code are in it."""
        return {
            **asdict(self),
            "roots": [root.to_json() for root in self.roots],
            "counts": asdict(self.counts),
            "exit_code": self.exit_code,
        }
