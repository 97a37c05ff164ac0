"""What a search may ask for besides its query; one list for every way to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from schemas.errors import QueryError
from schemas.query import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.where import Where

MAX_TOP_K: Final = 10_000
"""The longest answer; more is a listing, not a search."""

MAX_PASSAGES: Final = 100

MAX_POOL: Final = 10_000
"""Candidates that fit into memory many times over."""

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
        hybrid: Whether the query's words are compared as well, see :mod:`search.fusion`; hits
            keep their raw cosine, but no longer fall by it.
        pool: How many of the nearest are reordered, where ``rerank`` asks for it; 1 to 10,000, and
            no less than ``top_k``. The answer ends with them. Without it this means nothing.
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
    hybrid: bool
    pool: int
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
    hybrid: bool = False
    pool: int = 200
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
        """Refuse stages that cannot be done."""
        _check_count("pool", self.pool, MAX_POOL)
        if self.uses_pool and self.top_k > self.pool:
            raise QueryError(
                f"pool: {self.pool:,} candidates cannot fill a page of {self.top_k:,}; raise it to "
                "at least top_k"
            )

    @property
    def uses_pool(self) -> bool:
        """Whether something reorders or removes hits."""
        return self.rerank is not None

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


def _check_count(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value not in range(1, most + 1):
        raise QueryError(f"{name} is a whole number from 1 to {most:,}, not {value!r}")


def _check_number(name: str, value: object, least: float, most: float, what: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise QueryError(f"{name} is {what} from {least} to {most}, not {value!r}")
