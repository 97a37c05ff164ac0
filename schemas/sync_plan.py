"""What a synchronisation would do, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from schemas.report import EXIT_OK

if TYPE_CHECKING:
    from schemas.sync_report import RootProblem


class PlanAction(StrEnum):
    """What would become of an item."""

    ADD = "add"
    UPDATE = "update"
    """A listing that changed is corrected without encoding; the run counts it as unchanged."""

    MOVE = "move"
    """It was renamed: its points are made anew without encoding, and those of its old place go. The
    run counts it as added, as deleted and as moved."""

    UNCHANGED = "unchanged"
    DELETE = "delete"
    RETRY = "retry"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """What would become of one item.

    Attributes:
        action: That.
        root: Name of its root.
        source_uri: The item; of one that moved, its new place.
        reason: Why; of one that moved, from where.
    """

    action: PlanAction
    root: str
    source_uri: str
    reason: str


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a synchronisation would do now.

    Attributes:
        url: The index.
        collection: The concrete collection; the asked name where there is none yet.
        model_id: The model in use.
        entries: One an item, root after root in the order of the listing, what vanished last.
        problems: Roots that cannot be gone through, and sweeps that would be refused.
        seconds: How long planning took.
    """

    url: str
    collection: str
    model_id: str
    entries: tuple[PlanEntry, ...] = ()
    problems: tuple[RootProblem, ...] = ()
    seconds: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """Entries by action; every action is in it."""
        counted = Counter(entry.action for entry in self.entries)
        return {str(action): counted[action] for action in PlanAction}

    @property
    def exit_code(self) -> int:
        """0; that of the first problem where there is one."""
        return self.problems[0].exit_code if self.problems else EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; the counts and the exit code are in it."""
        return {**asdict(self), "counts": self.counts, "exit_code": self.exit_code}
