"""The worst misses of an evaluation on a contact sheet: query, right item, what came instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.evaluation import Direction
from schemas.query import Target
from schemas.records import Modality
from search.evaluate.asking import to_direction_options
from search.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schemas.evaluation import EvaluationReport, Outcome
    from schemas.query import Hit, Page
    from search.searcher import Searcher

MOST_MISSES = 20
"""By default."""

SHOWN_HITS = 4
"""Beside the right item: together a row of the sheet."""

DEEPEST = 10_000
"""How far the rank of a right item is looked for; one more stands for any lower place."""


class Miss(NamedTuple):
    """A question that was answered badly.

    Attributes:
        outcome: As the report has it.
        page: The right item that came first, with its true rank, and then the first hits.
    """

    outcome: Outcome
    page: Page

    @property
    def rank(self) -> int:
        """Of the right item; 0 where the options rule it out."""
        first = self.page.hits[0] if self.page.hits else None
        return first.rank if first and first.source_uri in self.outcome.right else 0


def find_misses(
    searcher: Searcher,
    report: EvaluationReport,
    *,
    most: int = MOST_MISSES,
    options: Mapping[str, Any],
) -> list[Miss]:
    """The questions whose right item came last, asked again: by direction, worst first.

    Mixed directions are left out: what is missed there is missed in its own direction, or was
    displaced by the other modality.

    Args:
        searcher: That which was evaluated.
        report: Of the evaluation.
        most: So many at most, an equal share of each direction.
        options: The same that were evaluated.

    Raises:
        DiptychError: As the searcher raises.
    """
    missed = [_worst(report, one) for one in Direction if one.target is not Target.ANY]
    present = sorted((one for one in missed if one), key=len)  # what few leave, others may take
    misses: list[Miss] = []
    for place, outcomes in enumerate(present):
        share = (most - len(misses)) // (len(present) - place)
        misses += [_to_miss(searcher, outcome, options) for outcome in outcomes[:share]]
    order = list(Direction)
    return sorted(misses, key=lambda miss: (order.index(miss.outcome.direction), -miss.rank))


def write_gallery(misses: Sequence[Miss], path: Path) -> None:
    """Draw them below each other, a row each: the first card is the right item.

    Raises:
        QueryError: The file cannot be written, or its suffix is no picture format's.
    """
    from search.sheet import write_sheets

    write_sheets([(_to_query(miss.outcome), miss.page) for miss in misses], path)


def _worst(report: EvaluationReport, direction: Direction) -> list[Outcome]:
    """Those of a direction whose first hit is wrong, the lowest ranks first."""
    missed = [one for one in report.outcomes if one.direction is direction and one.rank != 1]
    return sorted(missed, key=lambda one: -(one.rank or DEEPEST + 1))


def _to_miss(searcher: Searcher, outcome: Outcome, options: Mapping[str, Any]) -> Miss:
    target = outcome.direction.target
    options = to_direction_options(options, outcome.direction)
    deepest = _to_depth(options)
    page = searcher.search(_to_query(outcome), target=target, top_k=deepest, **options)
    hits = _to_others(page.hits, outcome)
    right = next((hit for hit in hits if hit.source_uri in outcome.right), None)
    right = right or _find_right(searcher, outcome, options, deepest)
    wrong = [hit for hit in hits if hit.source_uri not in outcome.right][:SHOWN_HITS]
    return Miss(outcome, replace(page, hits=(*([right] if right else []), *wrong)))


def _to_others(hits: Iterable[Hit], outcome: Outcome) -> list[Hit]:
    """One hit an item, without the query itself, ranked as they were judged."""
    first: dict[str, Hit] = {}
    for hit in hits:
        is_own = hit.source_uri in outcome.own and (
            hit.modality is outcome.direction.asked or hit.source_uri not in outcome.right
        )
        if not is_own:
            first.setdefault(hit.source_uri, hit)
    return [replace(hit, rank=rank) for rank, hit in enumerate(first.values(), 1)]


def _to_depth(options: Mapping[str, Any]) -> int:
    """How long an answer can be: what works on a pool ends with it."""
    checked = Options(**options)
    return checked.pool if checked.uses_pool else DEEPEST


def _find_right(
    searcher: Searcher, outcome: Outcome, options: Mapping[str, Any], deepest: int
) -> Hit | None:
    """A right item that lies too deep, asked for by name; None where the options rule it out."""
    given = options.get("where")
    conditions = [] if given is None else given if isinstance(given, list | tuple) else [given]
    asked = {**options, "where": [*conditions, {"source_uri": list(outcome.right)}]}
    target = outcome.direction.target
    page = searcher.search(_to_query(outcome), target=target, top_k=1, **asked)
    return replace(page.hits[0], rank=deepest + 1) if page.hits else None


def _to_query(outcome: Outcome) -> str | Path:
    is_text = outcome.direction.asked is Modality.TEXT
    return outcome.query if is_text else Path(outcome.query)
