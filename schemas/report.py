"""What a run did. Every scanned item is exactly one of added, updated, unchanged or failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.errors import SourceError

EXIT_OK = 0
EXIT_ITEMS_FAILED = 3
EXIT_MISMATCH = 4
"""An audit found that sources, ledger and collection disagree."""
EXIT_INTERRUPTED = 130
"""What a shell reports for a process that Ctrl-C ended (128 + SIGINT)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One item that could not be indexed.

    Attributes:
        source_uri: The item.
        location: Where it was.
        kind: Class name of the error, e.g. ``DecodeError``.
        message: What was wrong and what to do.
        attempts: How often this content has failed in this pipeline, in all runs.
        content_hash: Of the bytes that failed; empty when they could not be read.
        fingerprint: Of the pipeline they failed in; empty likewise.
    """

    source_uri: str
    location: str
    kind: str
    message: str
    attempts: int = 1
    content_hash: str = ""
    fingerprint: str = ""

    @classmethod
    def from_error(cls, error: SourceError, location: str) -> Failure:
        """The failure that an item's error amounts to."""
        return cls(error.source_uri, location, error.kind, error.reason)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items took which way, and what was written for them.

    Attributes:
        scanned: Items the sources listed.
        added: Items that were not indexed before.
        updated: Items whose bytes or pipeline had changed.
        deleted: Items that are gone from their source, and whose points were therefore removed;
            they are not among the scanned.
        moved: How many of the deleted had the same bytes as an item that was added: they were
            renamed, and nothing was encoded for them.
        moved_out: How many of these are in another root now.
        moved_in: How many of the added came from another root.
        unchanged: Items already indexed as they are; nothing was encoded or written.
        failed: Items with a failure.
        images: Image points written.
        texts: Text points written.
        tokens: Tokens of the texts encoded, counted by the encoder's own tokenizer.
        tokens_cut: How many of them lay beyond the encoder's window. Texts are cut into chunks
            that fit, so this is 0 unless a single character has more tokens than the window.
        reused: Items whose content was not encoded, since other items have the same bytes.
        figures_left_out: Images in documents that could not be read; their documents are indexed.
    """

    scanned: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    images: int = 0
    texts: int = 0
    tokens: int = 0
    tokens_cut: int = 0
    reused: int = 0
    figures_left_out: int = 0
    deleted: int = 0
    moved: int = 0
    moved_out: int = 0
    moved_in: int = 0

    @property
    def changes(self) -> dict[str, int]:
        """Items added, updated, moved, deleted and failed, each counted once.

        One that moved is neither among the added, for its new place, nor among the deleted, for its
        old one; it is told of the root where it is now.
        """
        moved = self.moved - self.moved_out + self.moved_in
        return {
            "added": self.added - moved,
            "updated": self.updated,
            "moved": moved,
            "deleted": self.deleted - self.moved,
            "failed": self.failed,
        }

    @property
    def balanced(self) -> bool:
        """Whether every scanned item is accounted for exactly once."""
        return self.scanned == self.added + self.updated + self.unchanged + self.failed


@dataclass(frozen=True, slots=True)
class RunReport:
    """The outcome of one ingestion run.

    Attributes:
        root: Name of the root that was ingested.
        location: Where the root is.
        url: The index that was written.
        collection: The concrete collection that was written.
        model_id: The model in use.
        fingerprint: Fingerprint of its embedding space.
        counts: Items and points.
        failures: One for each failed item, in the order they happened.
        seconds: Time by stage, summed over its threads; ``total`` is the whole run by the wall
            clock. Stages overlap, so they may sum to more.
        interrupted: Whether the run was stopped before the end of its sources.
        workers: How many threads each stage had.
        skipped: Items passed over in silence, by kind: for files the extension.
        notes: What else is worth knowing, a sentence each.
    """

    root: str
    location: str
    url: str
    collection: str
    model_id: str
    fingerprint: str
    counts: Counts = field(default_factory=Counts)
    failures: tuple[Failure, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    interrupted: bool = False
    workers: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0; 3 when some items failed; 130 when the run was stopped before its end."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        return EXIT_ITEMS_FAILED if self.failures else EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "failures": [asdict(f) for f in self.failures]}
