"""What is answered besides pages of hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from schemas.query import Page
from schemas.status import GenerationStatus

RecordOutcome: TypeAlias = Literal["indexed", "deleted", "failed", "pending"]


@dataclass(frozen=True, slots=True)
class Pages:
    """The answers of a batch.

    Attributes:
        pages: One a query, in order.
    """

    pages: tuple[Page, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"pages": [page.to_json() for page in self.pages]}


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A query image that the server keeps for a while.

    Attributes:
        id: Names it, as `upload` of a query; the BLAKE3 hash of its bytes.
        width_pixels: As displayed.
        height_pixels: Likewise.
        size_bytes: Of the file.
        expires_at: Until when it is kept at least, ISO 8601, unless others need the room.
    """

    id: str
    width_pixels: int
    height_pixels: int
    size_bytes: int
    expires_at: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """What became of a record that was sent.

    Attributes:
        outcome: ``indexed``; ``deleted``; ``failed``, and then nothing of it was kept; or
            ``pending``: it is kept, and the next synchronisation takes it.
        source_uri: Names the item from now on.
        kind: Of the error, where it failed.
        reason: What was wrong with it, where it failed.
    """

    outcome: RecordOutcome
    source_uri: str
    kind: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict without the keys that do not apply."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class ServedRoot:
    """One root of the collection.

    Attributes:
        root: Its name.
        images: Image points.
        texts: Text points.
        failed: Items that failed in the last run.
        items: Indexed items; None where no ledger knows.
        finished_at: When it was last gone through to its end, ISO 8601; None where none knows.
        source: Where it lies; None where the server does not say.
    """

    root: str
    images: int
    texts: int
    failed: int
    items: int | None = None
    finished_at: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run.

    Attributes:
        command: ``sync``, ``migrate``, ...
        finished_at: ISO 8601.
        seconds: How long it took.
        counts: Items scanned, added, ..., by name.
        problems: Class names of what ended roots early.
    """

    command: str
    finished_at: str
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The collection and the server, as they stand.

    Attributes:
        version: Of Diptych.
        collection: The live generation.
        model_id: Of its embedding space.
        points: How many it has.
        images: Image points.
        texts: Text points.
        roots: Sorted by name.
        failures: Known failures by kind.
        generations: All of the collection, oldest first.
        searches: That run or wait now.
        last_run: None where no ledger knows of one.
        last_sync_error: What ended the server's own last synchronisation early: a class name.
        notes: What else is worth knowing.
    """

    version: str
    collection: str
    model_id: str
    points: int
    images: int
    texts: int
    roots: tuple[ServedRoot, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    generations: tuple[GenerationStatus, ...] = ()
    searches: int = 0
    last_run: LastRun | None = None
    last_sync_error: str | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether something works.

    Attributes:
        status: ``ok``.
    """

    status: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True)
class VersionAnswer:
    """What answers.

    Attributes:
        version: Of Diptych.
    """

    version: str
