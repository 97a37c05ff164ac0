"""What a search may ask for besides its query; one list for every way to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from schemas.errors import QueryError
from schemas.query import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.where import Where

EXACT: Final = "exact"
"""Duplicates are only what has the same content."""

NEAR: Final = 0.97
"""The cosine from which two items of one modality say the same, where none is named."""

DATES: Final = ("taken_at", "created_at", "modified_at")
"""Payload fields that one may sort by."""

NEWEST_FIRST: Final = "-"

MAX_TOP_K: Final = 10_000
"""The longest answer; more is a listing, not a search."""

MAX_PASSAGES: Final = 100

MAX_POOL: Final = 10_000
"""Candidates whose vectors fit into memory many times over."""

MAX_PERCENTILE: Final = 99.99
"""The background has no finer scale."""


class SearchOptions(TypedDict, total=False):
    """Keywords of :meth:`search.searcher.Searcher.search` and of everything that searches.

    Attributes:
        target: Which modality is searched for. ``any`` asks each modality by itself and merges the
            answers by calibrated score, because their cosines are not comparable.
        where: An expression of :func:`schemas.where.field`, or a mapping of payload fields to
            values; of several all must hold.
        top_k: Length of the answer at most, 1 to 10,000.
        all_chunks: Give every chunk its own hit, not only the nearest of each document.
        passages: How many of its best passages a document's hit carries, 1 to 100.
        score_threshold: Leave out hits of a lower cosine.
        min_percentile: Leave out hits below this percentile of the background, 0 to 99.99.
        pool: How many of the nearest are reordered, or looked through for duplicates, where
            ``collapse``, ``rerank``, ``diversity`` or ``sort`` asks for it; 1 to 10,000, and no
            less than ``top_k``. The answer ends with them. Without these options it means nothing.
        collapse: Give near-duplicates one hit, which names the others: ``"exact"`` those of the
            same content, a cosine from 0 to 1 those whose vectors are that near too, True those
            from .97.
        diversity: How much hits should differ from those before them, from 0 (not at all) to 1
            (relevance decides no more than the first); maximal marginal relevance.
        sort: ``taken_at``, ``created_at`` or ``modified_at``, with a minus before it for newest
            first: the pool by date, items without one last.
        highlights: Whether text hits and passages say which of their sentences matched best;
            these are encoded, so it costs as much as so many short queries.
        hybrid: Whether the query's words are compared as well, see :mod:`search.fusion`; hits
            keep their raw cosine, but no longer fall by it.
        rerank: A cross-encoder or multi-vector model of sentence-transformers, a folder or
            ``owner/name@commit``, that orders the pool anew by its words; for queries that are
            texts. Images without words keep their places.
        explain: Whether hits say how their scores came about.
        cursor: ``next_cursor`` of the page before, to go on from there; the query and all
            options but ``top_k`` must be those of that page.
    """

    target: Target | str
    where: Where | Sequence[Where] | None
    top_k: int
    all_chunks: bool
    passages: int
    score_threshold: float | None
    min_percentile: float | None
    pool: int
    collapse: str | float | None
    diversity: float | None
    sort: str | None
    highlights: bool
    hybrid: bool
    rerank: str | None
    explain: bool
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """:class:`SearchOptions` with their defaults, checked.

    Raises:
        QueryError: A value cannot be answered; the message says which.
    """

    target: Target | str = Target.ANY
    where: Where | Sequence[Where] | None = None
    top_k: int = 10
    all_chunks: bool = False
    passages: int = 1
    score_threshold: float | None = None
    min_percentile: float | None = None
    pool: int = 200
    collapse: str | float | None = None
    diversity: float | None = None
    sort: str | None = None
    highlights: bool = False
    hybrid: bool = False
    rerank: str | None = None
    explain: bool = False
    cursor: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        object.__setattr__(self, "target", _to_target(self.target))
        _check_count("top_k", self.top_k, MAX_TOP_K)
        _check_count("passages", self.passages, MAX_PASSAGES)
        _check_number("score_threshold", self.score_threshold, -1, 1, "a cosine")
        _check_number("min_percentile", self.min_percentile, 0, MAX_PERCENTILE, "a percentile")
        if self.all_chunks and self.passages > 1:
            msg = (
                "passages belong to documents, all_chunks gives every chunk its own hit: leave one"
            )
            raise QueryError(msg)
        self._check_pool()

    def _check_pool(self) -> None:
        """Refuse stages that cannot be done, or that another one would undo."""
        _check_count("pool", self.pool, MAX_POOL)
        object.__setattr__(self, "collapse", _to_collapse(self.collapse))
        _check_number("diversity", self.diversity, 0, 1, "a share")
        if self.sort is not None and str(self.sort).removeprefix(NEWEST_FIRST) not in DATES:
            raise QueryError(
                f"sort is one of {', '.join(DATES)}, with a minus before it for newest first, "
                f"not {self.sort!r}"
            )
        if self.sort is not None and self.diversity:
            raise QueryError("sort decides the whole order: leave diversity out, or sort")
        if self.rerank is not None and (self.sort is not None or self.diversity):
            raise QueryError("rerank decides the order: leave sort and diversity out, or rerank")
        if self.uses_pool and self.top_k > self.pool:
            raise QueryError(
                f"pool: {self.pool:,} candidates cannot fill a page of {self.top_k:,}; raise it to "
                "at least top_k"
            )

    @property
    def uses_pool(self) -> bool:
        """Whether something reorders or removes hits."""
        asked = (self.collapse, self.rerank, self.diversity or None, self.sort)
        return any(one is not None for one in asked)

    @property
    def targets(self) -> Target:
        """The target as one."""
        return Target(self.target)


def to_options(options: SearchOptions) -> Options:
    """The options that keywords stand for.

    Raises:
        QueryError: There is no option of a name, or a value cannot be answered.
    """
    unknown = sorted(set(options) - set(SearchOptions.__annotations__))
    if unknown:
        known = ", ".join(SearchOptions.__annotations__)
        raise QueryError(f"there is no search option {unknown[0]!r}; there are: {known}")
    return Options(**options)


def _to_target(target: Target | str) -> Target:
    try:
        return Target(target)
    except ValueError:
        choices = ", ".join(Target)
        raise QueryError(f"target {target!r} is not one of {choices}") from None


def _to_collapse(collapse: object) -> str | float | None:
    if collapse is None or collapse is False:
        return None
    if collapse is True:
        return NEAR
    if isinstance(collapse, int | float) and 0 <= collapse <= 1:
        return float(collapse)
    if collapse == EXACT:
        return EXACT
    raise QueryError(f"collapse is {EXACT!r}, True or a cosine from 0 to 1, not {collapse!r}")


def _check_count(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value not in range(1, most + 1):
        raise QueryError(f"{name} is a whole number from 1 to {most:,}, not {value!r}")


def _check_number(name: str, value: object, least: float, most: float, what: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise QueryError(f"{name} is {what} from {least} to {most}, not {value!r}")
