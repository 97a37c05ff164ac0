"""What became of one record, and the tally that must add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.report import Counts, Failure

if TYPE_CHECKING:
    from qdrant_client import models

    from ingest.pending import Pending
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
        images: How many of them are images.
        stale_ids: Points of an older, longer version, to delete once the new ones are in.
        failure: Why it failed, if it did.
        tokens: Tokens of the texts that were encoded.
        tokens_cut: How many of them were beyond the encoder's window.
        left_out: Figures of it that could not be read.
        reused: Whether its content was encoded before, for another record of the same bytes.
        pending: What it was while under way, for those who wait for its content.
    """

    action: Action
    record: Record | None = None
    points: tuple[models.PointStruct, ...] = ()
    images: int = 0
    stale_ids: tuple[str, ...] = ()
    failure: Failure | None = None
    tokens: int = 0
    tokens_cut: int = 0
    left_out: int = 0
    reused: bool = False
    pending: Pending | None = None


@dataclass(slots=True)
class Tally:
    """Running counts of a run; filled by one thread."""

    sums: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome whose points are safely written."""
        self.sums["scanned"] += 1
        self.sums[outcome.action] += 1
        self.sums["images"] += outcome.images
        self.sums["texts"] += len(outcome.points) - outcome.images
        self.sums["tokens"] += outcome.tokens
        self.sums["tokens_cut"] += outcome.tokens_cut
        self.sums["figures_left_out"] += outcome.left_out
        self.sums["reused"] += outcome.reused
        if outcome.failure is not None:
            self.failures.append(outcome.failure)

    def to_counts(self) -> Counts:
        """The counts as the report has them."""
        return Counts(**{one.name: self.sums[one.name] for one in fields(Counts)})
