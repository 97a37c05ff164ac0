r"""Single conditions as ``FIELD=VALUE``, where the value is all the rest, spaces included.

A backslash makes the next character literal: ``title=Cats\, dogs`` is one title.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.conditions import Equals, OneOf, Range
from schemas.errors import QueryError, UnknownField
from schemas.shown import to_shown
from search.fields import find_field
from search.where_values import to_bound, to_readings

if TYPE_CHECKING:
    from schemas.conditions import Expression

_EXPRESSION = re.compile(
    r"\s*(?P<field>[^=<>]*?)\s*(?P<operator>>=|<=|=|>|<)\s*(?P<value>.*?)\s*", re.DOTALL
)
_BOUNDS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_PIECES = re.compile(r"((?:[^\\,]|\\.)*)(,|\Z)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NEW_LANGUAGE = re.compile(
    r"""
    \A["']                                # quoted
    | \b(?:and|or)\s*(?:\Z | \( | (?:
        not\b | near\s*\( | within\s*\(
        | \S+\s*(?: [=<>!~] | (?:not\s+)?in\s*\( | prefix\b | exists\b | missing\b)
    ))
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What a value does not have in it, unless it is the beginning of another condition."""


def is_classic(sentence: str) -> bool:
    """Whether it is FIELD=VALUE of a field that there is, and the value no further condition."""
    match = _EXPRESSION.fullmatch(sentence)
    if match is None or _NEW_LANGUAGE.search(match["value"]):
        return False
    try:
        find_field(match["field"])
    except UnknownField:
        return False
    return True


def parse_classic(sentence: str) -> Expression:
    """The one condition that FIELD=VALUE means.

    Raises:
        QueryError: The value is blank or does not fit its field.
    """
    match = _EXPRESSION.fullmatch(sentence)
    assert match is not None  # noqa: S101 - is_classic has seen it
    field, operator, value = find_field(match["field"]), match["operator"], match["value"]
    if operator != "=":
        bound = to_bound(field, _unescape(sentence, value))
        return Range(field.name, **{_BOUNDS[operator]: bound})
    pieces = _split(sentence, value)
    wanted = [reading for text in pieces for reading in to_readings(field, text)]
    return Equals(field.name, wanted[0]) if len(wanted) == 1 else OneOf(field.name, tuple(wanted))


def _split(sentence: str, value: str) -> list[str]:
    """The comma-separated parts of a value, unescaped."""
    parts: list[str] = []
    position = 0
    while (piece := _PIECES.match(value, position)) is not None:
        parts.append(_unescape(sentence, piece[1]))
        if piece[2] == "":
            return parts
        position = piece.end()
    raise QueryError(f"where: {to_shown(sentence)} ends in a lone backslash; write two for one")


def _unescape(sentence: str, text: str) -> str:
    plain = _ESCAPED.sub(r"\1", text)
    if not plain.strip():
        raise QueryError(f"where: {to_shown(sentence)} lacks a value")
    return plain
