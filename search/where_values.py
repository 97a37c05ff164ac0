"""What a word on the command line may stand for in a field of a kind."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from schemas.errors import QueryError
from schemas.shown import to_shown

if TYPE_CHECKING:
    from schemas.conditions import Scalar
    from search.fields import PayloadField

_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS: dict[str, bool] = {"true": True, "false": False}


def to_readings(field: PayloadField, text: str) -> list[Scalar]:
    """What a bare word may stand for in this field; it equals any of them.

    A field of the user's own has no known type, so a word that reads as a number or as
    ``true``/``false`` is both the text and the value.

    Raises:
        QueryError: The field holds whole numbers and the word is none.
    """
    if field.kind == "integer":
        return [_to_integer(field.name, text)]
    if field.kind != "user":
        return [text]
    other_readings = (_to_number(text), _BOOLEANS.get(text))
    return [text, *(value for value in other_readings if value is not None)]


def to_bound(field: PayloadField, text: str) -> Scalar:
    """A bare word as a bound of a range.

    Raises:
        QueryError: The field holds whole numbers and the word is no number.
    """
    number = None if field.kind == "datetime" else _to_number(text)
    if field.kind == "integer" and number is None:
        raise QueryError(
            f"where: {field.name} is compared with a number; {to_shown(text)} is not one"
        )
    return text if number is None else number


def _to_integer(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) not in _INT64:
        raise QueryError(f"where: {name} holds whole numbers; {to_shown(text)} is not one")
    return int(text)


def _to_number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text) and int(text) in _INT64:
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None
