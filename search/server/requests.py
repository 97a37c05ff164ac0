"""Requests -> what the Python API takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from schemas.conditions import And, Not, Or
from schemas.errors import QueryError
from schemas.query import Composition, Query, Term
from schemas.where_json import from_json
from search.server.models import OptionsModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic import BaseModel

    from schemas.conditions import Expression
    from schemas.serve_settings import ServeSettings
    from search.options import SearchOptions
    from search.server.models import QueryModel, TermModel
    from search.server.search_models import AddressModel

    ReadUpload = Callable[[str], bytes]


def to_composition(model: QueryModel, read_upload: ReadUpload | None = None) -> Composition:
    """The query of a request.

    Args:
        model: Of the request.
        read_upload: Gives an uploaded image by its id; None where there are none.

    Raises:
        EmptyQuery: It has no part, or one that is blank or several things at once.
        QueryError: A weight is 0 or not finite.
        UploadMissing: An uploaded image is not there any more.
    """
    terms = [Term(_to_query(one, read_upload), one.weight) for one in model.terms]
    if any(one is not None for one in (model.text, model.image, model.item, model.upload)):
        terms.insert(0, Term(_to_query(model, read_upload)))
    return Composition(tuple(terms))


def from_address(model: AddressModel, read_upload: ReadUpload) -> Composition:
    """The query of a query string.

    Raises:
        EmptyQuery: It names nothing.
        UploadMissing: The uploaded image is not there any more.
    """
    queries = [] if model.q is None else [Query(text=model.q)]
    queries += [Query(item=name) for name in model.item]
    queries += [] if model.upload is None else [Query(image=read_upload(model.upload))]
    return Composition(tuple(map(Term, queries)))


def to_options(model: BaseModel, allowed: ServeSettings | None = None) -> SearchOptions:
    """The options that a request gives; those it leaves out are not named.

    Args:
        model: An ``OptionsModel``, with whatever else a request has.
        allowed: What requests may ask for; None for everything.

    Raises:
        QueryError: A condition cannot be read, or more is asked for than is allowed.
    """
    given = model.model_dump(include=set(OptionsModel.model_fields), exclude_unset=True)
    if given.get("where") is not None:
        given["where"] = to_where(given["where"], allowed)
    if allowed is not None:
        _check_allowed(given, allowed)
    return cast("SearchOptions", given)


def to_where(where: Any, allowed: ServeSettings | None = None) -> Sequence[Expression]:  # noqa: ANN401 - checked by what reads it
    """Conditions as a sentence of the where language, or as JSON.

    Raises:
        QueryError: They cannot be read, or name a field that is not allowed.
    """
    if isinstance(where, str):
        from search.where import parse_where

        found: Sequence[Expression] = parse_where([where])
    else:
        found = (from_json(where),)
    for name in _iter_fields(found):
        check_field(name, allowed)
    return found


def check_field(name: str, allowed: ServeSettings | None) -> None:
    """Refuse a payload field that is none of those that the settings allow.

    Raises:
        QueryError: It is not.
    """
    if allowed is not None and allowed.filter_fields and name not in allowed.filter_fields:
        names = ", ".join(allowed.filter_fields)
        raise QueryError(f"where: {name!r:.100} may not be asked for here; there are: {names}")


def _check_allowed(given: dict[str, Any], allowed: ServeSettings) -> None:
    for name, most in (("top_k", allowed.max_top_k), ("pool", allowed.max_pool)):
        if given.get(name, 0) > most:
            raise QueryError(f"{name}: at most {most:,} here, not {given[name]:,}")
    model = given.get("rerank")
    if model is not None and model not in allowed.rerank_models:
        names = ", ".join(allowed.rerank_models) or "none"
        raise QueryError(f"rerank: {model!r:.100} is not allowed here; allowed: {names}")


def _iter_fields(expressions: Sequence[Expression]) -> Iterator[str]:
    for one in expressions:
        if isinstance(one, And | Or):
            yield from _iter_fields(one.parts)
        elif isinstance(one, Not):
            yield from _iter_fields((one.part,))
        else:
            yield getattr(one, "field", "")


def _to_query(model: QueryModel | TermModel, read_upload: ReadUpload | None) -> Query:
    image: bytes | None = model.image
    if model.upload is not None:
        if read_upload is None or image is not None:
            raise QueryError("a query part is a text, an image, an item or an upload: give one")
        image = read_upload(model.upload)
    return Query(text=model.text, image=image, item=model.item)
