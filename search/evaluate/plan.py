"""How an evaluation is made, whatever is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import SettingsError
from search.evaluate.catalogue import check_fields
from search.evaluate.floors import check_floors
from search.evaluate.measures import DEFAULT_MEASURES, check_measures

if TYPE_CHECKING:
    from schemas.evaluation import Direction, Floor

MOST_DEPTH = 9_000
"""A search answers 10,000 at most, and what is the query itself comes off."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an evaluation is made.

    Attributes:
        measures: By name: recall@K, success@K, precision@K, mrr, mrr@K, ndcg@K, map, median_rank.
        directions: Those to measure; None for each in which there is something to find.
        slices: Payload fields of the right items to slice by.
        depth: Length of the answers that are judged.
        skip_missing: Leave out right items that are not indexed, instead of refusing.
        floors: What must be reached.
        resamples: Bootstrap samples.
        confidence: Level of the intervals.
        seed: Of bootstrap and tests.
        show_progress: Draw a bar for each direction, where stderr is a terminal.

    Raises:
        SettingsError: A value cannot be meant, or ir-measures is not installed.
        UnknownField: There is no such field to slice by.
    """

    measures: tuple[str, ...] = DEFAULT_MEASURES
    directions: tuple[Direction, ...] | None = None
    slices: tuple[str, ...] = ()
    depth: int = 100
    skip_missing: bool = False
    floors: tuple[Floor, ...] = ()
    resamples: int = 1_000
    confidence: float = 0.95
    seed: int = 0
    show_progress: bool = False

    def __post_init__(self) -> None:
        """Refuse before anything is asked."""
        check_measures(self.measures)
        check_fields(self.slices)
        check_floors(self.floors, self.measures, self.directions)
        if self.depth not in range(1, MOST_DEPTH + 1):
            raise SettingsError(f"depth is from 1 to {MOST_DEPTH:,}, not {self.depth!r}")
        if self.resamples < 1 or not 0 < self.confidence < 1 or self.seed < 0:
            raise SettingsError(
                f"resamples are 1 or more, the confidence lies between 0 and 1, the seed is 0 or "
                f"more; not {self.resamples!r}, {self.confidence!r}, {self.seed!r}"
            )
