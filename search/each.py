"""Something done with each of several queries, so that an error says which one it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from schemas.errors import InvalidVector, QueryError, SourceError, UnsupportedModality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.errors import DiptychError

T = TypeVar("T")
U = TypeVar("U")

OF_ONE_QUERY: Final = (QueryError, SourceError, UnsupportedModality, InvalidVector)
"""Errors that one of several queries may have alone. Of any other, an outage of the store above
all, those that are asked together have it together."""


def for_each(make: Callable[[T], U], queries: Sequence[T]) -> list[U]:
    """What is made of each query, in order.

    Raises:
        DiptychError: As ``make`` raises it; where there are several queries, with the number of
            the query in its message, from 0.
    """
    if len(queries) == 1:
        return [make(queries[0])]
    made = []
    for number, query in enumerate(queries):
        try:
            made.append(make(query))
        except OF_ONE_QUERY as error:
            raise _to_numbered(error, number) from error
    return made


def _to_numbered(error: DiptychError, number: int) -> DiptychError:
    if isinstance(error, SourceError):
        return type(error)(error.source_uri, f"{error.reason} (query {number})")
    return type(error)(f"query {number}: {error}")
