"""Conditions as one writes them in Python: expressions of fields, and mappings.

::

    from schemas.where import field

    (field("taken_at") >= "2024-05-01") & ~field("keywords").one_of("cat", "dog")
    field("title").words("the moon") | field("place").near(48.1, 11.5, radius_meters=10_000)

``==`` and the other comparisons bind less than ``&`` and ``|``: put each in parentheses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from schemas.conditions import (
    And,
    Equals,
    Exists,
    Expression,
    Near,
    Not,
    OneOf,
    Prefix,
    Range,
    Scalar,
    Within,
    Words,
)
from schemas.errors import QueryError

Value: TypeAlias = Scalar | date
"""What a field is compared with in Python; a ``date`` or ``datetime`` becomes ISO 8601."""

Where: TypeAlias = Expression | Mapping[str, Scalar | Sequence[Scalar] | Mapping[str, Scalar]]
"""An expression of :func:`field`, or a mapping of fields to what they must be, all of it.

In a mapping a scalar means equality, a sequence "one of these", a mapping a range with the keys
``gt``, ``gte``, ``lt``, ``lte``. The user's own fields are written ``metadata.NAME``.
"""

_BOUNDS = ("gt", "gte", "lt", "lte")


class Field:
    """A payload field, to be compared; every comparison gives an expression."""

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment] # == gives no bool

    def __init__(self, name: str) -> None:
        """Take the name; it is looked up when the expression is used."""
        self.name = name

    def __repr__(self) -> str:
        """As it is written."""
        return f"field({self.name!r})"

    def __eq__(self, value: Value) -> Expression:  # type: ignore[override]
        """A value is this one."""
        return Equals(self.name, _to_scalar(value))

    def __ne__(self, value: Value) -> Expression:  # type: ignore[override]
        """No value is this one; points without the field included."""
        return ~(self == value)

    def __gt__(self, value: Value) -> Expression:
        """A value lies above this number, or after this moment or day."""
        return Range(self.name, gt=_to_scalar(value))

    def __ge__(self, value: Value) -> Expression:
        """From this one on."""
        return Range(self.name, gte=_to_scalar(value))

    def __lt__(self, value: Value) -> Expression:
        """Below or before this one."""
        return Range(self.name, lt=_to_scalar(value))

    def __le__(self, value: Value) -> Expression:
        """Up to this one; a day's whole included."""
        return Range(self.name, lte=_to_scalar(value))

    def between(self, low: Value, high: Value) -> Expression:
        """One and the same value lies from ``low`` to ``high``, both included."""
        return Range(self.name, gte=_to_scalar(low), lte=_to_scalar(high))

    def one_of(self, *values: Value) -> Expression:
        """A value is one of these; ``~`` of it means none is.

        Raises:
            QueryError: No value is given.
        """
        return OneOf(self.name, tuple(map(_to_scalar, values)))

    def prefix(self, text: str) -> Expression:
        """A value begins with this; upper and lower case differ.

        Raises:
            QueryError: It is empty.
        """
        return Prefix(self.name, text)

    def words(self, text: str) -> Expression:
        """All of these words stand in the field, whole, in any order and case."""
        return Words(self.name, text)

    def exists(self) -> Expression:
        """The field has a value."""
        return Exists(self.name)

    def missing(self) -> Expression:
        """It has none."""
        return Not(Exists(self.name))

    def near(self, latitude: float, longitude: float, *, radius_meters: float) -> Expression:
        """The place is less than so far from a point given in degrees (WGS 84).

        Raises:
            QueryError: The point is not on the Earth, or the radius is not positive.
        """
        return Near(self.name, latitude, longitude, radius_meters)

    def within(self, *, south: float, west: float, north: float, east: float) -> Expression:
        """The place lies between these degrees; across the 180th meridian, west exceeds east.

        Raises:
            QueryError: They are not on the Earth, or south is not below north.
        """
        return Within(self.name, south, west, north, east)


def field(name: str) -> Field:
    """A payload field by its name, or the user's own as ``metadata.NAME``."""
    return Field(name)


def to_expression(where: Where | Sequence[Where] | None) -> Expression | None:
    """One expression of all that must hold; None for nothing.

    Raises:
        QueryError: It is no expression, mapping or sequence of them, or has too many conditions.
    """
    listed = [] if where is None else where if isinstance(where, list | tuple) else [where]
    parts = [part for one in listed for part in _to_parts(one)]
    return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def _to_parts(where: object) -> list[Expression]:
    """Conditions that must all hold."""
    if isinstance(where, Expression):
        return list(where.parts) if isinstance(where, And) else [where]
    if not isinstance(where, Mapping):
        raise QueryError(
            f"where: give a mapping of fields to values or an expression of field(NAME), not "
            f"{type(where).__name__}"
        )
    return [_to_part(str(name), wanted) for name, wanted in where.items()]


def _to_part(name: str, wanted: object) -> Expression:
    if isinstance(wanted, Mapping):
        return to_range(name, wanted)
    if isinstance(wanted, list | tuple | set | frozenset):
        return OneOf(name, tuple(map(_to_scalar, wanted)))
    return Equals(name, _to_scalar(wanted))  # type: ignore[arg-type] # checked with its field


def to_range(name: str, bounds: Mapping[str, Any]) -> Range:
    """A range of bounds by their names.

    Raises:
        QueryError: There are none, or one has another name.
    """
    if not bounds or not set(bounds) <= set(_BOUNDS):
        given = ", ".join(map(repr, bounds)) or "nothing"
        raise QueryError(f"where: {name}: a range has bounds {', '.join(_BOUNDS)}; given: {given}")
    return Range(name, **{bound: _to_scalar(value) for bound, value in bounds.items()})


def _to_scalar(value: Value) -> Scalar:
    return value.isoformat() if isinstance(value, date) else value
