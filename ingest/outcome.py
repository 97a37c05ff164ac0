"""What became of one record, and the tally that must add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.records import Modality
from schemas.report import Counts, Failure

if TYPE_CHECKING:
    from qdrant_client import models

    from schemas.records import Record


class Action(StrEnum):
    """The four ways a scanned item can take; each takes exactly one."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One record's way through the pipeline.

    Attributes:
        action: Which way it took.
        record: The record, unless it could not even be listed.
        points: To upsert.
        stale_ids: Points of an older, longer version, to delete once the new ones are in.
        failure: Why it failed, if it did.
        tokens: Tokens of the texts that were encoded.
    """

    action: Action
    record: Record | None = None
    points: tuple[models.PointStruct, ...] = ()
    stale_ids: tuple[str, ...] = ()
    failure: Failure | None = None
    tokens: int = 0


@dataclass(slots=True)
class Tally:
    """Running counts of a run; filled by one thread."""

    actions: Counter[Action] = field(default_factory=Counter)
    points: Counter[Modality] = field(default_factory=Counter)
    tokens: int = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome whose points are safely written."""
        self.actions[outcome.action] += 1
        self.tokens += outcome.tokens
        if outcome.record is not None:
            self.points[outcome.record.modality] += len(outcome.points)
        if outcome.failure is not None:
            self.failures.append(outcome.failure)

    def to_counts(self) -> Counts:
        """The counts as the report has them."""
        return Counts(
            scanned=self.actions.total(),
            added=self.actions[Action.ADDED],
            updated=self.actions[Action.UPDATED],
            unchanged=self.actions[Action.UNCHANGED],
            failed=self.actions[Action.FAILED],
            images=self.points[Modality.IMAGE],
            texts=self.points[Modality.TEXT],
            tokens=self.tokens,
        )
