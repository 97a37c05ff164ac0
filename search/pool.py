"""What is done with the nearest candidates before pages are cut: stages that reorder or remove.

Without a stage a search asks for no more than its page. With one it asks for the *pool*, a number
of candidates that does not depend on the page, lets every stage work on all of them, and pages are
slices of what the last one gives: so they never overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from search.chronology import Chronology
from search.collapse import Collapse
from search.diversity import Diversity
from search.rerank import Rerank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search.calibration import Scale
    from search.composition import Aim
    from search.options import Options
    from search.ranking import Candidate


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a stage may know besides its candidates.

    Attributes:
        aim: Where the query points.
        scale: Of the collection, if it has a background.
        shown: How many candidates the page reaches to; the order of those behind them, which must
            not depend on this number, is asked for by later pages.
    """

    aim: Aim
    scale: Scale | None
    shown: int


class Stage(Protocol):
    """Something that reorders candidates, or removes some."""

    @property
    def needs_vectors(self) -> bool:
        """Whether it reads the vectors of the candidates' points."""
        ...

    def apply(self, candidates: Sequence[Candidate], view: View) -> list[Candidate]:
        """The candidates that stay, best first.

        The first ``view.shown`` must be the same whatever ``view.shown`` is.

        Args:
            candidates: Of the stage before, best first.
            view: The search.
        """
        ...


def to_stages(options: Options) -> tuple[Stage, ...]:
    """The stages that a search asks for, in the order in which they work.

    Duplicates go first, so that nothing is spent on them; what decides the final order comes last.
    """
    stages: list[Stage] = []
    if options.collapse is not None:
        stages.append(Collapse.of(options.collapse, by_chunk=options.all_chunks))
    if options.rerank is not None:
        stages.append(Rerank(options.rerank))
    if options.diversity:
        stages.append(Diversity(options.diversity))
    if options.sort is not None:
        stages.append(Chronology.of(options.sort))
    return tuple(stages)


def apply_all(
    stages: Sequence[Stage], candidates: Sequence[Candidate], view: View
) -> list[Candidate]:
    """What the stages make of the candidates, one after the other."""
    left = list(candidates)
    for stage in stages:
        left = stage.apply(left, view)
    return left
