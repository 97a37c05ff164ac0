"""Modality and where -> the store's filter. Pure; nothing is asked of a store.

Every condition is checked against the payload's index types before a store sees it, so that a
mistyped field or value is an error that names the choices, not an empty answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from qdrant_client import models

from schemas.collection import PAYLOAD_INDEXES, USER_FIELD
from schemas.errors import QueryError, UnknownField
from schemas.records import Modality

if TYPE_CHECKING:
    from schemas.query import Scalar, Where

FieldKind: TypeAlias = Literal["keyword", "integer", "datetime", "user"]
"""How a field's values compare. ``user`` is a field of the user's own, of any JSON type."""

_BOUNDS = ("gt", "gte", "lt", "lte")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+(\[\d*\])*")
_FLOAT_EXACT = 2**53  # the largest integer up to which float64, a range's type, holds every one
_INT64 = range(-(2**63), 2**63)


def to_filter(modality: Modality, where: Where | Sequence[Where] | None = None) -> models.Filter:
    """The filter that exactly the points of this modality which satisfy ``where`` pass.

    A day without a time ("2024-05-01") stands for the whole day in UTC, in equality and in
    ranges: ``lte`` includes it, ``gt`` begins after it. A moment without an offset is UTC.
    Numbers of the user's own fields compare by value, so 3 finds 3.0.

    Args:
        modality: The only modality that passes.
        where: Conditions that must all hold; several mappings must all hold too.

    Raises:
        UnknownField: A field is neither indexed nor ``metadata.NAME``; the known ones are named.
        QueryError: A value's type does not fit the field, a date cannot be read, or a condition
            has no value.
    """
    must: list[models.Condition] = [_match("modality", str(modality))]
    for conditions in _as_sequence(where):
        must += [_to_condition(field, wanted) for field, wanted in conditions.items()]
    return models.Filter(must=must)


def field_kind(field: str) -> FieldKind:
    """How the values of a payload field compare.

    Raises:
        UnknownField: It is neither indexed nor ``metadata.NAME``.
    """
    if field.startswith(f"{USER_FIELD}."):
        return "user"
    match PAYLOAD_INDEXES.get(field):
        case models.PayloadSchemaType.KEYWORD:
            return "keyword"
        case models.PayloadSchemaType.INTEGER:
            return "integer"
        case models.PayloadSchemaType.DATETIME:
            return "datetime"
        case _:
            known = ", ".join(sorted(PAYLOAD_INDEXES))
            raise UnknownField(
                f"where: there is no field {field!r}; known fields: {known}, "
                f"and {USER_FIELD}.NAME for your own"
            )


def _as_sequence(where: Where | Sequence[Where] | None) -> Sequence[Where]:
    given: object = () if where is None else where
    parts = [given] if isinstance(given, Mapping) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(p, Mapping) for p in parts):
        raise QueryError(f"where: give a mapping of fields to values, not {type(where).__name__}")
    return parts


def _to_condition(
    field: str, wanted: Scalar | Sequence[Scalar] | Mapping[str, Scalar]
) -> models.Condition:
    kind = field_kind(field)
    key = _to_key(field) if kind == "user" else field
    if isinstance(wanted, Mapping):
        return _to_range(key, kind, wanted)
    if isinstance(wanted, str) or not isinstance(wanted, Sequence):
        return _to_equality(key, kind, wanted)
    if not wanted:
        raise QueryError(f"where: {field}: an empty list matches nothing; leave the field out")
    return _to_one_of(key, kind, wanted)


def _to_key(field: str) -> str:
    """The store's path of a user field; names outside its plain alphabet are quoted."""
    _, *names = field.split(".")
    if not all(names) or '"' in field:
        raise UnknownField(f'where: {field!r} is not a field path: {USER_FIELD}.NAME, without "')
    quoted = [name if _PLAIN_KEY.fullmatch(name) else f'"{name}"' for name in names]
    return ".".join([USER_FIELD, *quoted])


def _to_equality(key: str, kind: FieldKind, value: Scalar) -> models.FieldCondition:
    if kind == "datetime":
        return _moment_range(key, {"gte": value, "lte": value})
    if kind == "keyword":
        return _match(key, _keyword(key, value))
    if kind == "integer":
        return _match(key, _integer(key, value))
    return _to_user_equality(key, value)


def _to_user_equality(key: str, value: Scalar) -> models.FieldCondition:
    """By value: a store tells 3 from 3.0 in a match, but not in a range."""
    if isinstance(value, bool | str):
        return _match(key, value)
    number = _number(key, value)
    if isinstance(number, int) and abs(number) > _FLOAT_EXACT:
        return _match(key, _integer(key, number))
    return models.FieldCondition(key=key, range=models.Range(gte=number, lte=number))


def _to_one_of(key: str, kind: FieldKind, values: Sequence[Scalar]) -> models.Condition:
    if kind == "keyword":
        words = [_keyword(key, value) for value in values]
        return models.FieldCondition(key=key, match=models.MatchAny(any=words))
    if kind == "integer":
        numbers = [_integer(key, value) for value in values]
        return models.FieldCondition(key=key, match=models.MatchAny(any=numbers))
    return models.Filter(should=[_to_equality(key, kind, value) for value in values])


def _to_range(key: str, kind: FieldKind, bounds: Mapping[str, Scalar]) -> models.FieldCondition:
    if not bounds or not set(bounds) <= set(_BOUNDS):
        given = ", ".join(map(repr, bounds)) or "nothing"
        raise QueryError(f"where: {key}: a range has bounds {', '.join(_BOUNDS)}; given: {given}")
    if kind == "keyword":
        raise QueryError(f"where: {key} holds words, which have no order; compare it with =")
    if kind == "datetime" or (kind == "user" and isinstance(next(iter(bounds.values())), str)):
        return _moment_range(key, bounds)
    numbers = {bound: _number(key, value) for bound, value in bounds.items()}
    return models.FieldCondition(key=key, range=models.Range(**numbers))


def _moment_range(key: str, bounds: Mapping[str, Scalar]) -> models.FieldCondition:
    """A range of moments, half open where a bound is a whole day."""
    tightest: dict[str, datetime] = {}
    for bound, value in bounds.items():
        exact, moment = _to_moment_bound(key, bound, value)
        choose = max if exact.startswith("g") else min
        tightest[exact] = choose(moment, tightest.get(exact, moment))
    return models.FieldCondition(key=key, range=models.DatetimeRange(**tightest))


def _to_moment_bound(key: str, bound: str, value: Scalar) -> tuple[str, datetime]:
    """The bound as a moment; "after a day" and "up to a day" meet at the next midnight."""
    if not isinstance(value, str):
        raise QueryError(f"where: {key} takes dates as text like '2024-05-31', not {value!r}")
    try:
        moment = datetime.fromisoformat(value)
        if _is_day(value) and bound in ("gt", "lte"):
            bound, moment = {"gt": "gte", "lte": "lt"}[bound], moment + timedelta(days=1)
    except (ValueError, OverflowError):
        raise QueryError(
            f"where: {key}: {value!r} is not a date; write 2024-05-31 or 2024-05-31T18:30:00+02:00"
        ) from None
    return bound, moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _match(key: str, value: bool | int | str) -> models.FieldCondition:  # noqa: FBT001 - a value
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _keyword(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise QueryError(f"where: {key} holds words; {value!r} is not text")
    if key == "modality" and value not in set(Modality):
        raise QueryError(f"where: modality is one of {', '.join(Modality)}, not {value!r}")
    return str(value)


def _integer(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT64:
        raise QueryError(f"where: {key} holds whole numbers; {value!r} is not one")
    return value


def _number(key: str, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QueryError(f"where: {key} is compared with a number; {value!r} is not one")
    if not math.isfinite(value):
        raise QueryError(f"where: {key}: {value!r} is not finite")
    return value
