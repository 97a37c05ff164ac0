"""Requests -> what the Python API takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from schemas.query import Composition, Query, Term
from schemas.where_json import from_json
from search.server.models import OptionsModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from schemas.conditions import Expression
    from search.options import SearchOptions
    from search.server.models import QueryModel


def to_composition(model: QueryModel) -> Composition:
    """The query of a request.

    Raises:
        EmptyQuery: It has no part, or one that is blank or several things at once.
    """
    terms = [
        Term(Query(text=one.text, image=one.image, item=one.item), one.weight)
        for one in model.terms
    ]
    if (model.text, model.image, model.item) != (None, None, None):
        terms.insert(0, Term(Query(text=model.text, image=model.image, item=model.item)))
    return Composition(tuple(terms))


def to_options(model: BaseModel) -> SearchOptions:
    """The options that a request gives; those it leaves out are not named.

    Args:
        model: An ``OptionsModel``, with whatever else a request has.

    Raises:
        QueryError: A condition cannot be read.
    """
    given = model.model_dump(include=set(OptionsModel.model_fields), exclude_unset=True)
    if given.get("where") is not None:
        given["where"] = to_where(given["where"])
    return cast("SearchOptions", given)


def to_where(where: Any) -> Sequence[Expression]:  # noqa: ANN401 - checked by what reads it
    """Conditions as a sentence of the where language, or as JSON.

    Raises:
        QueryError: They cannot be read.
    """
    if isinstance(where, str):
        from search.where import parse_where

        return parse_where([where])
    return (from_json(where),)
