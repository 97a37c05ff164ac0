"""Modality and where -> the store's filter. Pure; nothing is asked of a store.

Every condition is checked against the payload's index types before a store sees it, so that a
mistyped field or value is an error that names the choices, not an empty answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qdrant_client import models

from schemas.conditions import (
    And,
    Equals,
    Exists,
    Expression,
    Near,
    Not,
    OneOf,
    Or,
    Prefix,
    Range,
    Within,
    Words,
)
from schemas.errors import QueryError
from schemas.payload_indexes import LABELS
from schemas.shown import to_shown
from schemas.where import to_expression
from search.fields import PayloadField, check_unicode, find_field, to_integer, to_keyword, to_number
from search.moments import to_moment_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.conditions import Scalar
    from schemas.records import Modality
    from schemas.where import Where

_FLOAT_EXACT = 2**53  # the largest integer up to which float64, a range's type, holds every one
_POLE, _ANTIMERIDIAN = 90 - 1e-8, 180 - 1e-8
"""A millimetre before them: a geo index takes the very ends for the beginnings, so that a box of
the whole Earth finds nothing."""
_WORD = re.compile(r"[^\W_]+")


def to_filter(
    modality: Modality | None, where: Where | Sequence[Where] | None = None
) -> models.Filter:
    """The filter that exactly the points of this modality which satisfy ``where`` pass.

    A day without a time ("2024-05-01") stands for the whole day in UTC, in equality and in
    ranges: ``lte`` includes it, ``gt`` begins after it. A moment without an offset is UTC.
    Numbers of the user's own fields compare by value, so 3 finds 3.0.

    Args:
        modality: The only modality that passes; None for every one.
        where: Conditions that must all hold; several must all hold too.

    Raises:
        UnknownField: A field is neither indexed nor ``metadata.NAME``; the known ones are named.
        QueryError: A value's type does not fit the field, a date cannot be read, or a condition
            has no value.
    """
    expression = to_expression(where)
    must: list[models.Condition] = []
    if modality is not None:
        must.append(_match("modality", str(modality)))
    if expression is not None:
        must += to_conditions(expression)
    return models.Filter(must=must)


def to_conditions(expression: Expression) -> list[models.Condition]:
    """Conditions that all hold exactly where the expression does.

    Raises:
        QueryError: As for :func:`to_filter`.
    """
    parts = expression.parts if isinstance(expression, And) else (expression,)
    return [_to_condition(part) for part in parts]


def _to_condition(expression: Expression) -> models.Condition:
    match expression:
        case And(parts=parts):
            return models.Filter(must=[_to_condition(part) for part in parts])
        case Or(parts=parts):
            return models.Filter(should=[_to_condition(part) for part in parts])
        case Not(part=part):
            return models.Filter(must_not=[_to_condition(part)])
        case Near() | Within():
            return _to_place(find_field(expression.field), expression)
        case _:
            return _to_field_condition(expression)


def _to_field_condition(expression: Expression) -> models.Condition:
    match expression:
        case Equals(field=name, value=value):
            return _to_equality(find_field(name), value)
        case OneOf(field=name, values=values):
            return _to_one_of(find_field(name), values)
        case Range(field=name):
            return _to_range(find_field(name), expression.bounds)
        case Prefix(field=name, prefix=prefix):
            return _to_prefix(find_field(name), prefix)
        case Words(field=name, text=text):
            return _to_words(find_field(name), text)
        case Exists(field=name):
            return _to_exists(find_field(name))
        case _:
            raise TypeError(type(expression))


def _to_equality(field: PayloadField, value: Scalar) -> models.FieldCondition:
    match field.kind:
        case "datetime":
            return _moments(field, {"gte": value, "lte": value})
        case "keyword":
            return _match(field.key, to_keyword(field.name, value))
        case "integer":
            return _match(field.key, to_integer(field.name, value))
        case "user":
            return _to_user_equality(field, value)
        case _:
            raise field.refusal("has no value to be equal to")


def _to_user_equality(field: PayloadField, value: Scalar) -> models.FieldCondition:
    """By value: a store tells 3 from 3.0 in a match, but not in a range."""
    if isinstance(value, bool):
        return _match(field.key, value)
    if isinstance(value, str):
        return _match(field.key, check_unicode(field.name, value))
    number = to_number(field.name, value)
    if isinstance(number, int) and abs(number) > _FLOAT_EXACT:
        return _match(field.key, to_integer(field.name, number))
    return models.FieldCondition(key=field.key, range=models.Range(gte=number, lte=number))


def _to_one_of(field: PayloadField, values: Sequence[Scalar]) -> models.Condition:
    if field.kind == "keyword":
        words = [to_keyword(field.name, value) for value in values]
        return models.FieldCondition(key=field.key, match=models.MatchAny(any=words))
    if field.kind == "integer":
        numbers = [to_integer(field.name, value) for value in values]
        return models.FieldCondition(key=field.key, match=models.MatchAny(any=numbers))
    return models.Filter(should=[_to_equality(field, value) for value in values])


def _to_range(field: PayloadField, bounds: dict[str, Scalar]) -> models.FieldCondition:
    field.require("integer", "datetime", "user", asked="has no order")
    first = next(iter(bounds.values()))
    if field.kind == "datetime" or (field.kind == "user" and isinstance(first, str)):
        return _moments(field, bounds)
    numbers = {bound: to_number(field.name, value) for bound, value in bounds.items()}
    return models.FieldCondition(key=field.key, range=models.Range(**numbers))


def _moments(field: PayloadField, bounds: dict[str, Scalar]) -> models.FieldCondition:
    moments = to_moment_bounds(field.name, bounds)
    return models.FieldCondition(key=field.key, range=models.DatetimeRange(**moments))


def _to_prefix(field: PayloadField, prefix: str) -> models.FieldCondition:
    if not field.takes_prefix:
        raise field.refusal("has no prefixes")
    check_unicode(field.name, prefix)
    return models.FieldCondition(key=field.key, match=models.MatchPrefix(prefix=prefix))


def _to_words(field: PayloadField, text: object) -> models.Condition:
    """All of the words in the field; for all fields at once, each of them in any."""
    if not field.has_words:
        raise field.refusal("has no words to look for")
    words = _WORD.findall(check_unicode(field.name, text)) if isinstance(text, str) else []
    if not words:
        raise QueryError(
            f"where: {field.name}: {to_shown(text)} has no word; give letters or digits"
        )
    if field.kind == "words":
        keys = ("text", LABELS)
        return models.Filter(
            must=[models.Filter(should=[_has_words(key, word) for key in keys]) for word in words]
        )
    own = _has_words(field.key, " ".join(words))
    if not field.is_label:
        return own
    # The labels' index finds the few that the field itself is then read of.
    return models.Filter(must=[_has_words(LABELS, " ".join(words)), own])


def _has_words(key: str, words: str) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchText(text=words))


def _to_exists(field: PayloadField) -> models.Condition:
    if field.kind == "words":
        raise field.refusal("is no field of its own")
    keys = [LABELS, field.key] if field.is_label and field.kind == "text" else [field.key]
    return models.Filter(must_not=[_is_empty(key) for key in keys])


def _is_empty(key: str) -> models.IsEmptyCondition:
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=key))


def _to_place(field: PayloadField, area: Near | Within) -> models.FieldCondition:
    field.require("geo", "user", asked="is no place")
    if isinstance(area, Near):
        center = models.GeoPoint(lat=area.latitude, lon=area.longitude)
        radius = models.GeoRadius(center=center, radius=area.radius_meters)
        return models.FieldCondition(key=field.key, geo_radius=radius)
    box = models.GeoBoundingBox(
        top_left=models.GeoPoint(lat=min(area.north, _POLE), lon=min(area.west, _ANTIMERIDIAN)),
        bottom_right=models.GeoPoint(lat=area.south, lon=min(area.east, _ANTIMERIDIAN)),
    )
    return models.FieldCondition(key=field.key, geo_bounding_box=box)


def _match(key: str, value: bool | int | str) -> models.FieldCondition:  # noqa: FBT001 - a value
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))
