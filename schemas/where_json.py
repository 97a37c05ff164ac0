"""Conditions as JSON, for requests over HTTP and for files.

::

    {"and": [{"field": "taken_at", "gte": "2024-05-01"},
             {"not": {"field": "keywords", "one_of": ["cat", "dog"]}},
             {"field": "place", "near": {"latitude": 48.1, "longitude": 11.5,
                                         "radius_meters": 10000}}]}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from schemas.conditions import (
    MAX_DEPTH,
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
from schemas.shown import to_shown
from schemas.where import to_expression, to_range


def to_json(expression: Expression) -> dict[str, Any]:
    """The expression as JSON; :func:`from_json` reads it back.

    A condition is ``{"field": NAME, KIND: ...}`` with a kind of ``equals``, ``one_of``,
    ``prefix``, ``words``, ``exists``, ``near``, ``within``, or with bounds ``gt``, ``gte``, ``lt``,
    ``lte``; a combination is ``{"and": [...]}``, ``{"or": [...]}`` or ``{"not": {...}}``.
    """
    match expression:
        case And(parts=parts):
            return {"and": [to_json(part) for part in parts]}
        case Or(parts=parts):
            return {"or": [to_json(part) for part in parts]}
        case Not(part=part):
            return {"not": to_json(part)}
        case _:
            return _to_condition(expression)


def from_json(tree: object) -> Expression:
    """The expression that JSON says.

    Args:
        tree: As ``json.loads`` gives it: what :func:`to_json` makes, or a mapping of fields to what
            they must be, as :data:`schemas.where.Where`.

    Raises:
        QueryError: It is neither; the message names the part. Nothing nests too deep for it.
    """
    return _from_tree(tree, MAX_DEPTH)


def _to_condition(condition: Expression) -> dict[str, Any]:  # noqa: PLR0911 - a row a kind
    match condition:
        case Equals(field=name, value=value):
            return {"field": name, "equals": value}
        case OneOf(field=name, values=values):
            return {"field": name, "one_of": list(values)}
        case Range(field=name):
            return {"field": name, **condition.bounds}
        case Prefix(field=name, prefix=prefix):
            return {"field": name, "prefix": prefix}
        case Words(field=name, text=text):
            return {"field": name, "words": text}
        case Exists(field=name):
            return {"field": name, "exists": True}
        case Near() | Within():
            numbers = asdict(condition)
            kind = "near" if isinstance(condition, Near) else "within"
            return {"field": numbers.pop("field"), kind: numbers}
        case _:
            raise TypeError(type(condition))


def _from_tree(tree: object, levels: int) -> Expression:
    if levels == 0:
        raise QueryError(f"where: more than {MAX_DEPTH} levels of and, or, not")
    if not isinstance(tree, Mapping) or not tree or not all(isinstance(key, str) for key in tree):
        raise QueryError(f"where: {_shown(tree)} is no condition; write {{FIELD: VALUE}}")
    if "field" in tree:
        return _from_condition(tree)
    if not {"and", "or", "not"} & set(tree):
        mapped = to_expression(tree)
        assert mapped is not None  # noqa: S101 - it is not empty
        return mapped
    if len(tree) > 1:
        raise QueryError(f"where: {_shown(tree)}: and, or, not stand alone in their object")
    ((kind, parts),) = tree.items()
    if kind == "not":
        return Not(_from_tree(parts, levels - 1))
    if not isinstance(parts, list):
        raise QueryError(f"where: {kind!r} takes a list, not {_shown(parts)}")
    group = And if kind == "and" else Or
    return group(tuple(_from_tree(part, levels - 1) for part in parts))


def _from_condition(tree: Mapping[str, Any]) -> Expression:
    said = dict(tree)
    name = said.pop("field")
    if not isinstance(name, str):
        raise QueryError(f"where: field is a name, not {_shown(name)}")
    if said and set(said) <= {"gt", "gte", "lt", "lte"}:
        return to_range(name, said)
    kind = next(iter(said), "")
    if len(said) != 1 or kind not in _READERS:
        raise QueryError(
            f"where: {_shown(dict(tree))}: give one of {', '.join(_READERS)}, or bounds gt, gte, "
            "lt, lte"
        )
    return _READERS[kind](name, said[kind])


def _read_one_of(name: str, values: object) -> Expression:
    if not isinstance(values, list):
        raise QueryError(f"where: {name}: one_of takes a list, not {_shown(values)}")
    return OneOf(name, tuple(values))


def _read_exists(name: str, value: object) -> Expression:
    if not isinstance(value, bool):
        raise QueryError(f"where: {name}: exists is true or false, not {_shown(value)}")
    return Exists(name) if value else Not(Exists(name))


def _read_near(name: str, numbers: object) -> Expression:
    return Near(name, **_to_numbers(name, numbers, ("latitude", "longitude", "radius_meters")))


def _read_within(name: str, numbers: object) -> Expression:
    return Within(name, **_to_numbers(name, numbers, ("south", "west", "north", "east")))


def _to_numbers(name: str, numbers: object, wanted: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(numbers, Mapping) or set(numbers) != set(wanted):
        raise QueryError(f"where: {name}: give {', '.join(wanted)}, not {_shown(numbers)}")
    return dict(numbers)


_READERS: Final[Mapping[str, Callable[[str, Any], Expression]]] = {
    "equals": Equals,
    "one_of": _read_one_of,
    "prefix": Prefix,
    "words": Words,
    "exists": _read_exists,
    "near": _read_near,
    "within": _read_within,
}


def _shown(tree: object) -> str:
    """Short, whatever it is; ``repr`` of what is nested deep would run out of stack."""
    if isinstance(tree, Mapping):
        return "{" + ", ".join(map(str, list(tree)[:5])) + "}"
    return type(tree).__name__ if isinstance(tree, list) else to_shown(tree)
