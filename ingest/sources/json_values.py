"""A table's values as they stand in a payload, which is JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_MAX_DEPTH = 32
"""Of lists in lists; a request to a server is refused at 100 levels, its own among them."""

LEFT_OUT = object()
"""What bytes become: they have no place in JSON."""


def to_json_value(value: object, depth: int = 0) -> object:
    """A value that JSON, and a store, can hold.

    Dates and times become ISO 8601, durations seconds, decimals floats, integers beyond 64 bits
    text; NaN and infinities become None. Lists and structs are kept, without the bytes in them.

    Returns:
        The value, or :data:`LEFT_OUT` for bytes.

    Raises:
        ValueError: Lists are nested more than 32 deep.
    """
    if value is None or isinstance(value, (str, bool)):  # a tuple: half the time of a union
        return value
    if isinstance(value, (int, float, Decimal)):
        return _to_number(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return LEFT_OUT
    return _to_nested(value, depth)


def _to_number(value: float | Decimal) -> float | str | None:
    if isinstance(value, int):
        return value if _INT64_MIN <= value <= _INT64_MAX else str(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _to_nested(value: object, depth: int) -> object:
    if depth >= _MAX_DEPTH:
        msg = f"nested more than {_MAX_DEPTH} deep"
        raise ValueError(msg)
    if isinstance(value, Mapping):
        pairs = ((str(key), to_json_value(one, depth + 1)) for key, one in value.items())
        return {key: one for key, one in pairs if one is not LEFT_OUT}
    if isinstance(value, list | tuple):
        ones = (to_json_value(one, depth + 1) for one in value)
        return [one for one in ones if one is not LEFT_OUT]
    return str(value)
