"""The user's own fields, as JSON brings them, made fit for a payload."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_JSON_BYTES = 1_000_000
"""Of one item's metadata: more is no metadata."""

MAX_DEPTH = 32
"""Of lists and objects inside each other; gRPC messages hold about a hundred levels."""

_TOO_DEEP = "nested too deeply"
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def parse_metadata(content: bytes) -> dict[str, object]:
    """The fields of a JSON object, with values that every store holds.

    Raises:
        ValueError: It is no JSON object, or nested too deeply.
    """
    try:
        fields = json.loads(content)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if not isinstance(fields, dict):
        msg = f"a JSON {type(fields).__name__}, not an object"
        raise ValueError(msg)  # noqa: TRY004 - the content is wrong, not an argument's type
    return {to_text(name): to_storable(value) for name, value in fields.items()}


def to_storable(value: object, depth: int = MAX_DEPTH) -> object:
    """A JSON value with finite numbers of 64 bits and text that is Unicode.

    A larger integer becomes text, a number that is none becomes null.

    Args:
        value: As :func:`json.loads` makes it.
        depth: Of lists and objects inside each other, at most.

    Raises:
        ValueError: It is nested more deeply.
    """
    if depth < 0:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, dict):
        return {to_text(str(name)): to_storable(one, depth - 1) for name, one in value.items()}
    if isinstance(value, list):
        return [to_storable(one, depth - 1) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    is_large = isinstance(value, int) and not _INT64_MIN <= value <= _INT64_MAX
    return to_text(str(value)) if is_large or isinstance(value, str) else value


def to_text(text: str) -> str:
    """Text with what no encoding holds (lone surrogates) replaced by question marks."""
    return text.encode(errors="replace").decode()


def find_text(fields: Mapping[str, object], *names: str) -> str | None:
    """The first of some fields that holds text with something in it."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None
