"""Dates and moments as bounds: a day, a month or a year is all of it, in UTC."""

from __future__ import annotations

import re
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas.errors import QueryError
from schemas.shown import to_shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONTH: Final = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)
_MONTHS: Final = 12


def to_moment_bounds(name: str, bounds: Mapping[str, object]) -> dict[str, datetime]:
    """Bounds of a field of dates as moments, half open where a bound is a day or longer.

    Args:
        name: Of the field.
        bounds: ``gt``, ``gte``, ``lt``, ``lte`` -> ISO 8601; at least one. A moment without an
            offset is UTC; "after a day" and "up to a day" meet at the next midnight.

    Raises:
        QueryError: A bound is no date.
    """
    tightest: dict[str, datetime] = {}
    for bound, value in bounds.items():
        exact, moment = _to_moment_bound(name, bound, value)
        choose = max if exact.startswith("g") else min
        tightest[exact] = choose(moment, tightest.get(exact, moment))
    return tightest


def to_moment(value: str) -> datetime | None:
    """The moment in UTC at which what is stored as a date begins; None if it is no date."""
    try:
        return _to_period(value)[0].astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _to_moment_bound(name: str, bound: str, value: object) -> tuple[str, datetime]:
    if not isinstance(value, str):
        raise QueryError(
            f"where: {name} takes dates as text like '2024-05-31', not {to_shown(value)}"
        )
    try:
        begin, months, days = _to_period(value)
        if bound in ("gt", "lte") and (months or days):
            bound, begin = {"gt": "gte", "lte": "lt"}[bound], _to_end(begin, months, days)
    except (ValueError, OverflowError):
        raise QueryError(
            f"where: {name}: {to_shown(value)} is not a date; write 2024, 2024-05, 2024-05-31 or "
            "2024-05-31T18:30:00+02:00"
        ) from None
    return bound, begin


def _to_period(value: str) -> tuple[datetime, int, int]:
    """Its beginning, and its length in months and days, both 0 for a moment."""
    match = _MONTH.fullmatch(value)
    if match is not None:
        begin = datetime(int(match[1]), int(match[2] or 1), 1, tzinfo=UTC)
        return begin, 1 if match[2] else _MONTHS, 0
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC), 0, int(_is_day(value))


def _to_end(begin: datetime, months: int, days: int) -> datetime:
    years, following = divmod(begin.month - 1 + months, _MONTHS)
    if begin.year + years > MAXYEAR or datetime.max.replace(tzinfo=UTC) - begin < timedelta(days):
        return datetime.max.replace(tzinfo=UTC)  # nothing comes after it
    return begin.replace(year=begin.year + years, month=following + 1) + timedelta(days=days)


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
