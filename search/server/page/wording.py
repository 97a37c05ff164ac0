"""Numbers and moments as people read them. Pure."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

_STEP: Final = 1_000
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


def to_number(value: float) -> str:
    """With commas between thousands."""
    return f"{value:,}"


def to_bytes(count: float) -> str:
    """A size in the largest unit that leaves a whole part; from megabytes on with a decimal."""
    unit = 0
    while count >= _STEP and unit < len(_UNITS) - 1:
        count, unit = count / _STEP, unit + 1
    decimals = 1 if unit > 1 else 0
    return f"{count:,.{decimals}f} {_UNITS[unit]}"


def to_day(moment: str) -> str:
    """An ISO 8601 moment as ``31 May 2024, 14:05``; as it stands where it is none."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    if found.utcoffset() is None and found.time() == time.min:
        return f"{found.day} {found:%B %Y}"  # only the day was given
    # No zone is assumed that nobody gave.
    zone = " UTC" if found.utcoffset() is not None and not found.utcoffset() else ""
    return f"{found.day} {found:%B %Y, %H:%M}{zone}"
