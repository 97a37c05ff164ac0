"""Dates as documents write them, to ISO 8601."""

from __future__ import annotations

import re
from datetime import date, datetime

_ISO = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d?)(?:-(?P<day>\d\d?))?)?"
    r"(?:(?:[Tt]|\s+)(?P<time>\d\d?:\d\d(?::\d\d)?)(?:\.\d+)?\s*"
    r"(?P<offset>[Zz]|UTC|GMT|[+-]\d\d:?\d\d)?)?(?![\d:])"
)
_PDF = re.compile(
    r"(?:D:)?(?P<year>\d{4})(?P<month>\d\d)?(?P<day>\d\d)?"
    r"(?:(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?"
    r"(?P<offset>[Zz]|[+-]\d\d'?(?:\d\d)?'?)?)?"
)
"""PDF 32000-1:2008, 7.9.4 Dates."""


def to_iso_date(text: str | None) -> str | None:
    """ISO 8601, as precise as the text says it; None when it says no possible date.

    Args:
        text: Begins with ``2024``, ``2024-03``, ``2024-03-05``, or a date and a time with or
            without an offset.
    """
    match = _ISO.match((text or "").strip().strip("\"'"))
    if match is None:
        return None
    day = "-".join(part.zfill(2) for part in match.group("year", "month", "day") if part)
    if match["time"] is None or match["day"] is None:
        return _checked(day)
    time = match["time"].zfill(5 if match["time"].count(":") == 1 else 8)
    offset = (match["offset"] or "").replace(":", "")
    return _checked(f"{day}T{time}{_to_offset(offset)}")


def to_iso_pdf_date(text: str | None) -> str | None:
    """Likewise for the dates of a PDF: ``D:YYYYMMDDHHmmSS+HH'mm'``, cut anywhere."""
    match = _PDF.match((text or "").strip())
    if match is None:
        return None
    day = "-".join(part for part in match.group("year", "month", "day") if part)
    if match["hour"] is None:
        return _checked(day)
    time = f"{match['hour']}:{match['minute']}:{match['second'] or '00'}"
    return _checked(f"{day}T{time}{_to_offset((match['offset'] or '').replace(chr(39), ''))}")


def _to_offset(offset: str) -> str:
    """``Z``, ``+HH:MM`` or nothing."""
    if offset in {"Z", "z", "UTC", "GMT"}:
        return "Z"
    return f"{offset[:3]}:{offset[3:] or '00'}" if offset else ""


def _checked(text: str) -> str | None:
    """The date if the calendar has it."""
    try:
        if "T" in text:
            datetime.fromisoformat(text)
        else:
            year, month, day = (*map(int, text.split("-")), 1, 1)[:3]
            date(year, month, day)
    except ValueError:
        return None
    return text
