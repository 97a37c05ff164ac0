"""What a word on the command line may stand for in a field of a kind."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from schemas.errors import QueryError

if TYPE_CHECKING:
    from schemas.conditions import Scalar
    from search.fields import PayloadField

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)  # every one of them fits 64 bits
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
        raise QueryError(f"where: {field.name} is compared with a number; {text!r} is not one")
    return text if number is None else number


def _to_integer(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise QueryError(f"where: {name} holds whole numbers; {text!r} is not one")
    return int(text)


def _to_number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None
