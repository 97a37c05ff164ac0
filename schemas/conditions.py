"""Conditions on payload fields and their combinations: what a ``where`` is made of.

Frozen, typed and picklable; :mod:`schemas.where` makes them. Which fields there are and what they
hold is for :mod:`search.filters` to say.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from schemas.errors import QueryError
from schemas.shown import to_shown

Scalar: TypeAlias = str | int | float | bool
"""A value that a payload field is compared with; dates are ISO 8601 strings."""

MAX_DEPTH: Final = 32
"""Levels of and, or, not. A server's decoder of gRPC refuses 100 nested messages, of which a level
takes two; and nothing that walks an expression can run out of stack."""

MAX_CONDITIONS: Final = 1_000
"""Conditions in one expression. More is an attack or a list, for which there is ``one_of``."""


class Expression:
    """A condition, or several of them combined; ``a & b``, ``a | b`` and ``~a`` make new ones."""

    __slots__ = ()

    @property
    def depth(self) -> int:
        """Levels, 1 for a single condition."""
        return 1

    @property
    def size(self) -> int:
        """Single conditions in it."""
        return 1

    def __and__(self, other: Expression) -> Expression:
        """Both."""
        return And((*_parts(self, And), *_parts(other, And)))

    def __or__(self, other: Expression) -> Expression:
        """One of them or both."""
        return Or((*_parts(self, Or), *_parts(other, Or)))

    def __invert__(self) -> Expression:
        """The points that do not meet it, those without the field included."""
        return self.part if isinstance(self, Not) else Not(self)

    def __bool__(self) -> bool:
        """Refuse what Python's ``and``, ``or``, ``not`` and ``a < field < b`` would do.

        Raises:
            QueryError: Always.
        """
        raise QueryError(
            "where: combine conditions with &, | and ~ and put each in parentheses; "
            "Python's and, or, not and chained comparisons cannot be used"
        )


@dataclass(frozen=True, slots=True)
class Equals(Expression):
    """A value of the field is this one; a day stands for all of it."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class OneOf(Expression):
    """A value of the field is one of these; at least one."""

    field: str
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        """Refuse what matches nothing."""
        if not self.values:
            raise QueryError(
                f"where: {self.field}: an empty list matches nothing; leave the field out"
            )


@dataclass(frozen=True, slots=True)
class Range(Expression):
    """A value of the field lies within all bounds; at least one."""

    field: str
    gt: Scalar | None = None
    gte: Scalar | None = None
    lt: Scalar | None = None
    lte: Scalar | None = None

    def __post_init__(self) -> None:
        """Refuse a range without an end."""
        if not self.bounds:
            raise QueryError(f"where: {self.field}: a range has bounds gt, gte, lt, lte")

    @property
    def bounds(self) -> dict[str, Scalar]:
        """Those that are given."""
        every = {
            "gt": self.gt,
            "gte": self.gte,
            "lt": self.lt,
            "lte": self.lte,
        }
        return {bound: value for bound, value in every.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Prefix(Expression):
    """A value of the field begins with this; upper and lower case differ."""

    field: str
    prefix: str

    def __post_init__(self) -> None:
        """Refuse what would be no condition."""
        prefix: object = self.prefix
        if not (isinstance(prefix, str) and prefix):
            raise QueryError(f"where: {self.field}: a prefix has at least one character")


@dataclass(frozen=True, slots=True)
class Words(Expression):
    """All of these words stand in the field, as whole words, in any order and case."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Exists(Expression):
    """The field has a value."""

    field: str


@dataclass(frozen=True, slots=True)
class Near(Expression):
    """The place is less than so far away, along the surface of the Earth.

    Attributes:
        field: Which place.
        latitude: Of the centre, in degrees north, WGS 84.
        longitude: In degrees east.
        radius_meters: More than 0.
    """

    field: str
    latitude: float
    longitude: float
    radius_meters: float

    def __post_init__(self) -> None:
        """Refuse what is not on the Earth."""
        _check_degrees("latitude", self.latitude, 90)
        _check_degrees("longitude", self.longitude, 180)
        if not (_is_number(self.radius_meters) and self.radius_meters > 0):
            raise QueryError(
                f"where: radius {to_shown(self.radius_meters)}: it is more than 0 metres"
            )


@dataclass(frozen=True, slots=True)
class Within(Expression):
    """The place lies between two parallels and two meridians.

    Attributes:
        field: Which place.
        south: Degrees north of the lower parallel, WGS 84.
        west: Degrees east of the left meridian; larger than ``east`` across the 180th.
        north: Of the upper one.
        east: Of the right one.
    """

    field: str
    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        """Refuse what is not on the Earth, or upside down."""
        for name, degrees, most in (
            ("south", self.south, 90),
            ("west", self.west, 180),
            ("north", self.north, 90),
            ("east", self.east, 180),
        ):
            _check_degrees(name, degrees, most)
        if self.south >= self.north:
            raise QueryError(f"where: south {self.south!r} is not below north {self.north!r}")


@dataclass(frozen=True, slots=True)
class _Group(Expression):
    parts: tuple[Expression, ...]
    _depth: int = dataclasses.field(init=False, repr=False, compare=False)
    _size: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Measure it, and refuse what is empty, too deep or too large."""
        if not self.parts:
            raise QueryError("where: and, or need at least one condition")
        _measure(self, self.parts)

    @property
    def depth(self) -> int:
        """Levels."""
        return self._depth

    @property
    def size(self) -> int:
        """Single conditions in it."""
        return self._size


@dataclass(frozen=True, slots=True)
class And(_Group):
    """All of the parts, at least one."""


@dataclass(frozen=True, slots=True)
class Or(_Group):
    """At least one of the parts."""


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """What does not meet the part, points without the field included."""

    part: Expression
    _depth: int = dataclasses.field(init=False, repr=False, compare=False)
    _size: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Measure it, and refuse what is too deep."""
        _measure(self, (self.part,))

    @property
    def depth(self) -> int:
        """Levels."""
        return self._depth

    @property
    def size(self) -> int:
        """Single conditions in it."""
        return self._size


def _parts(expression: Expression, kind: type[_Group]) -> tuple[Expression, ...]:
    if not isinstance(expression, Expression):
        raise QueryError(
            f"where: {to_shown(expression)} is no condition; compare a field: "
            "field('title') == 'Cats'"
        )
    return expression.parts if isinstance(expression, kind) else (expression,)


def _measure(group: _Group | Not, parts: tuple[Expression, ...]) -> None:
    if not all(isinstance(part, Expression) for part in parts):
        raise QueryError("where: the parts of and, or, not are conditions")
    depth = 1 + max(part.depth for part in parts)
    size = sum(part.size for part in parts)
    if depth > MAX_DEPTH or size > MAX_CONDITIONS:
        raise QueryError(
            f"where: {size} conditions in {depth} levels; up to {MAX_CONDITIONS} in {MAX_DEPTH} "
            "can be asked for; use one_of for many values of one field"
        )
    object.__setattr__(group, "_depth", depth)
    object.__setattr__(group, "_size", size)


def _check_degrees(name: str, degrees: float, most: int) -> None:
    if not (_is_number(degrees) and abs(degrees) <= most):
        raise QueryError(f"where: {name} {to_shown(degrees)}: it is from -{most} to {most} degrees")


def _is_number(value: object) -> bool:
    """Whether it is a number that is finite, also as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
