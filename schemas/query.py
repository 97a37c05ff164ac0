"""What is asked and what is answered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from schemas.answer import Highlight, Hit, Page, Passage
from schemas.errors import EmptyQuery, QueryError
from schemas.records import Modality
from schemas.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    ImageSource: TypeAlias = "str | Path | bytes | Image"
    """An image as a path, as encoded bytes, or already opened."""

__all__ = [
    "Composition",
    "Highlight",
    "Hit",
    "Page",
    "Passage",
    "Query",
    "Target",
    "Term",
]


@dataclass(frozen=True, slots=True)
class Query:
    """One thing one searches with: a text, an image or an indexed item, exactly one of them.

    Queries are put together with ``+``, ``-`` and ``*``:
    ``Query(image=photo) + Query(text="at night") - 0.5 * Query(text="in daylight")``.

    Attributes:
        text: Words.
        image: A path, encoded bytes or a Pillow image.
        item: Something in the collection, by its source URI or by a point's id. It is not among
            its own answers.

    Raises:
        EmptyQuery: None or several are given, or the one that is given is blank.
    """

    text: str | None = None
    image: ImageSource | None = None
    item: str | None = None

    def __post_init__(self) -> None:
        """A query has one content."""
        given = [one for one in (self.text, self.image, self.item) if one is not None]
        if len(given) != 1:
            msg = "a query is a text, an image or an indexed item: give exactly one of them"
            raise EmptyQuery(msg)
        if self.text is not None and not self.text.strip():
            msg = "the query text is blank: give at least one word"
            raise EmptyQuery(msg)
        if self.item is not None and not self.item.strip():
            msg = "the query item is blank: give the source URI or the point id of a hit"
            raise EmptyQuery(msg)

    @property
    def modality(self) -> Modality | None:
        """What the query itself is; None for an indexed item, which the collection knows."""
        if self.item is not None:
            return None
        return Modality.TEXT if self.text is not None else Modality.IMAGE

    def __add__(self, other: Query | Composition) -> Composition:
        """This and the other."""
        return 1.0 * self + other

    def __sub__(self, other: Query | Composition) -> Composition:
        """This and not the other."""
        return 1.0 * self - other

    def __mul__(self, weight: float) -> Composition:
        """This with a weight."""
        return Composition((Term(self, weight),))

    __rmul__ = __mul__


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a composition.

    Attributes:
        query: What.
        weight: How much; below 0 for what is not wanted.

    Raises:
        QueryError: The weight is 0 or not finite.
    """

    query: Query
    weight: float = 1.0

    def __post_init__(self) -> None:
        """A weight of 0 would be a mistake that nobody sees."""
        if not math.isfinite(self.weight) or self.weight == 0:
            msg = f"a weight is a finite number other than 0, not {self.weight!r}"
            raise QueryError(msg)


@dataclass(frozen=True, slots=True)
class Composition:
    """Several queries as one: the weighted sum of their unit vectors, scaled to unit length.

    Attributes:
        terms: At least one, and one with a weight above 0.

    Raises:
        EmptyQuery: There is none.
    """

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        """Something must be looked for."""
        if not self.terms:
            msg = "the query has no part: give a text, an image or an indexed item"
            raise EmptyQuery(msg)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Those that must be encoded, without repetition."""
        found = (term.query.modality for term in self.terms)
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def __add__(self, other: Query | Composition) -> Composition:
        """This and the other."""
        return Composition((*self.terms, *_to_terms(other)))

    def __sub__(self, other: Query | Composition) -> Composition:
        """This and not the other."""
        return self + -1.0 * other

    def __mul__(self, weight: float) -> Composition:
        """This with every weight multiplied."""
        return Composition(tuple(Term(one.query, weight * one.weight) for one in self.terms))

    __rmul__ = __mul__


def _to_terms(query: Query | Composition) -> tuple[Term, ...]:
    return (Term(query),) if isinstance(query, Query) else query.terms
