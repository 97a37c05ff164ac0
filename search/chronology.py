"""Candidates by date instead of by score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from search.options import NEWEST_FIRST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from search.pool import View
    from search.ranking import Candidate

_REST: Final = {len("2024"): "-01-01", len("2024-05"): "-01"}
"""What makes a day of a year or a month, by the length of its text."""


@dataclass(frozen=True, slots=True)
class Chronology:
    """A stage that sorts by a date; candidates of one date keep their order, those without go last.

    Attributes:
        field: One of :data:`search.options.DATES`.
        newest_first: Else the oldest.
    """

    field: str
    newest_first: bool = False

    @classmethod
    def of(cls, asked: str) -> Self:
        """The stage that an option asks for: a field, with a minus before it for newest first."""
        return cls(asked.removeprefix(NEWEST_FIRST), asked.startswith(NEWEST_FIRST))

    @property
    def needs_vectors(self) -> bool:
        """Never."""
        return False

    def apply(self, candidates: Sequence[Candidate], view: View) -> list[Candidate]:  # noqa: ARG002 - as every stage
        """All candidates, by date."""
        moments = [to_moment((one.point.payload or {}).get(self.field)) for one in candidates]
        sign = -1 if self.newest_first else 1

        def to_key(place: int) -> tuple[bool, float]:
            moment = moments[place]
            return moment is None, 0.0 if moment is None else sign * moment.timestamp()

        return [candidates[place] for place in sorted(range(len(candidates)), key=to_key)]


def to_moment(text: object) -> datetime | None:
    """When an ISO 8601 date begins; None where there is none that can be read.

    A year or a month alone begins with its first day; what has no offset is UTC, as in conditions.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text + _REST.get(len(text), ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
