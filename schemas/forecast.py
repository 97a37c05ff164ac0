"""What an ingestion run would do, told without doing it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """Items of one media type.

    Attributes:
        media_type: E.g. ``image/jpeg``.
        new: Items that are not indexed.
        changed: Indexed items whose listing or pipeline differs: they are read and compared, and
            encoded unless they were only moved or touched.
        unchanged: Indexed items that are listed as they were.
        todo_bytes: Size of the new and changed ones, as far as the source knows it.
    """

    media_type: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    todo_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would do.

    Attributes:
        root: Name of the root.
        collection: Where to; empty when there is none yet.
        rows: One a media type, the most to do first.
        unlisted: Items that cannot even be listed.
        gone: Indexed items that the source no longer lists; an ingestion leaves them.
        skipped: Items passed over in silence, by kind.
        estimated_seconds: For the new and changed ones; None when there are none or none of the
            sample could be read.
        sampled: How many items were ingested into memory to measure that.
        sample_seconds: How long that took.
    """

    root: str
    collection: str
    rows: tuple[ForecastRow, ...]
    unlisted: int
    gone: int
    skipped: dict[str, int]
    estimated_seconds: float | None
    sampled: int
    sample_seconds: float

    @property
    def todo(self) -> int:
        """Items that would be read."""
        return sum(row.new + row.changed for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "todo": self.todo}
