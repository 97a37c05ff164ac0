r"""``--where`` expressions -> where. The small language of the command line.

::

    field=value          equal                    title=Cats
    field=a,b            one of                   media_type=image/png,image/jpeg
    field>=3             from, also > < <=        width_pixels>=640
    field<2024-01-01     dates are ISO 8601       taken_at<2024-01-01
    metadata.NAME=value  a field of your own      metadata.author=Ann

A backslash makes the next character literal: ``title=Cats\, dogs`` is one title.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from schemas.errors import QueryError
from search.filters import field_kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.query import Scalar, Where
    from search.filters import FieldKind

_EXPRESSION = re.compile(
    r"\s*(?P<field>[^=<>]*?)\s*(?P<operator>>=|<=|=|>|<)\s*(?P<value>.*?)\s*", re.DOTALL
)
_BOUNDS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_PIECES = re.compile(r"((?:[^\\,]|\\.)*)(,|\Z)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)  # every one of them fits 64 bits
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS: dict[str, bool] = {"true": True, "false": False}


def parse_where(expressions: Iterable[str]) -> tuple[Where, ...]:
    """One condition an expression; all of them must hold.

    Values take the type of the field's index. A field of the user's own has no known type, so a
    value that reads as a number or as ``true``/``false`` matches both the text and the value.

    Raises:
        UnknownField: A field is neither indexed nor ``metadata.NAME``.
        QueryError: An expression has no operator, or a value does not fit its field.
    """
    return tuple(_parse(expression) for expression in expressions)


def _parse(expression: str) -> Where:
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise QueryError(
            f"where: {expression!r} is not a condition; write field=value, field=a,b, field>=3 "
            "or field<2024-01-01"
        )
    field, operator, value = match["field"], match["operator"], match["value"]
    kind = field_kind(field)
    if operator == "=":
        pieces = _split(expression, value)
        return {field: _to_wanted([v for text in pieces for v in _to_values(field, kind, text)])}
    return {field: {_BOUNDS[operator]: _to_bound(field, kind, _unescape(expression, value))}}


def _to_wanted(values: list[Scalar]) -> Scalar | list[Scalar]:
    return values[0] if len(values) == 1 else values


def _split(expression: str, value: str) -> list[str]:
    """The comma-separated parts of a value, unescaped."""
    parts: list[str] = []
    position = 0
    while (piece := _PIECES.match(value, position)) is not None:
        parts.append(_unescape(expression, piece[1]))
        if piece[2] == "":
            return parts
        position = piece.end()
    raise QueryError(f"where: {expression!r} ends in a lone backslash; write two for one")


def _unescape(expression: str, text: str) -> str:
    plain = _ESCAPED.sub(r"\1", text)
    if not plain.strip():
        raise QueryError(f"where: {expression!r} lacks a value")
    return plain


def _to_values(field: str, kind: FieldKind, text: str) -> list[Scalar]:
    """What a text may stand for in a field of this kind; it equals any of them."""
    if kind == "integer":
        return [_to_integer(field, text)]
    if kind != "user":
        return [text]
    other_readings = (_to_number(text), _BOOLEANS.get(text))
    return [text, *(value for value in other_readings if value is not None)]


def _to_bound(field: str, kind: FieldKind, text: str) -> Scalar:
    number = None if kind == "datetime" else _to_number(text)
    if kind == "integer" and number is None:
        raise QueryError(f"where: {field} is compared with a number; {text!r} is not one")
    return text if number is None else number


def _to_integer(field: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise QueryError(f"where: {field} holds whole numbers; {text!r} is not one")
    return int(text)


def _to_number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None
