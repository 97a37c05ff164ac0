"""Relevance feedback: a query moves towards the hits that were liked, away from the others.

Rocchio's formula (J. J. Rocchio, "Relevance feedback in information retrieval", 1971), here in the
shared space of images and texts: a text query can be refined by images that it found.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from schemas.errors import QueryError
from schemas.query import Composition, Query, Term
from schemas.shown import to_shown
from search.composition import to_composition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search.composition import QueryLike


def _is_number(weight: object) -> bool:
    return isinstance(weight, int | float) and isfinite(weight)


@dataclass(frozen=True, slots=True)
class Rocchio:
    """How much each part of a refined query counts.

    The defaults are those that Manning, Raghavan and Schütze call reasonable ("Introduction to
    Information Retrieval", 2008, 9.1.1): what is liked tells more than what is not.

    Attributes:
        alpha: Of the query; above 0.
        beta: Of the mean of what is liked; 0 or more.
        gamma: Of the mean of what is not; 0 or more. It is subtracted.

    Raises:
        QueryError: A weight is out of its range, or not finite.
    """

    alpha: float = 1.0
    beta: float = 0.75
    gamma: float = 0.15

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not (_is_number(self.alpha) and self.alpha > 0):
            raise QueryError(f"alpha is a finite number above 0, not {self.alpha!r}")
        for name, weight in (("beta", self.beta), ("gamma", self.gamma)):
            if not (_is_number(weight) and weight >= 0):
                raise QueryError(f"{name} is a finite number, 0 or more, not {weight!r}")


ROCCHIO: Final = Rocchio()


def refine(
    query: QueryLike,
    liked: Sequence[str] = (),
    disliked: Sequence[str] = (),
    *,
    weights: Rocchio = ROCCHIO,
) -> Composition:
    """The query ``alpha * query + beta * mean of liked - gamma * mean of disliked``.

    Nothing is asked of a store yet: a search with the composition looks the items up, and raises
    for one that the collection does not have. Items that were judged are not among its answers.
    The next round refines the first query again, with all that was judged so far.

    Args:
        query: As for :meth:`search.searcher.Searcher.search`. Of one that has several parts the
            weighted sum is multiplied by alpha as it is, without being scaled to unit length.
        liked: Hits that are right, by ``source_uri`` or ``point_id``; one that is named twice
            counts once.
        disliked: Hits that are wrong.
        weights: Of the three.

    Raises:
        EmptyQuery: The query or an item is blank.
        QueryError: An item is both liked and disliked, or one is given instead of a list.
    """
    for name, items in (("liked", liked), ("disliked", disliked)):
        if isinstance(items, str):
            raise QueryError(f"{name} is a list of hits; write [{to_shown(items)}]")
    if both := sorted(set(liked) & set(disliked)):
        raise QueryError(f"{both[0]!r} is both liked and disliked: decide for one")
    return Composition(
        (
            *(weights.alpha * to_composition(query)).terms,
            *_to_terms(liked, weights.beta),
            *_to_terms(disliked, -weights.gamma),
        )
    )


def _to_terms(items: Sequence[str], weight: float) -> list[Term]:
    """The items with equal shares of a weight; none for a weight of 0, which a term cannot have."""
    names = dict.fromkeys(items)
    return [Term(Query(item=name), weight / len(names)) for name in names] if weight else []
