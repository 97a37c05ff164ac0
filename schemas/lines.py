"""Lines of a text file, with a name for each that errors can point to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_LINE_CHARACTERS = 1_000_000
"""A longer line is no question and no pair; it would be another kind of file."""


def iter_lines(path: Path) -> Iterator[tuple[str, str]]:
    """``(origin, line)`` of every line that is not blank, in order.

    Raises:
        SettingsError: The file cannot be read as UTF-8, or a line is too long.
    """
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            while line := file.readline(MOST_LINE_CHARACTERS):
                number += 1
                if len(line) == MOST_LINE_CHARACTERS:
                    raise SettingsError(
                        f"{path}, line {number}: is longer than {MOST_LINE_CHARACTERS:,} "
                        f"characters; is it the right file?"
                    )
                if line.strip():
                    yield f"{path}, line {number}", line.rstrip("\r\n")
    except (OSError, ValueError) as error:  # a ValueError where it is not UTF-8, or no path at all
        raise SettingsError(
            f"{path} cannot be read after line {number} ({error}); give a text file in UTF-8"
        ) from None


def read_object(line: str, origin: str) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        SettingsError: It is none.
    """
    try:
        value = json.loads(line)
        json.dumps(value, ensure_ascii=False).encode()  # escapes can spell what is no character
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{origin}: is no JSON ({str(error)[:100]})") from None
    if not isinstance(value, dict):
        raise SettingsError(f"{origin}: is no JSON object; write one in braces on each line")
    return value


def read_words(values: Mapping[str, Any], key: str, origin: str) -> tuple[str, ...]:
    """The words under a key: a string or a list of strings, without the blank ones.

    Raises:
        SettingsError: There is something else.
    """
    found = values.get(key)
    listed = [found] if isinstance(found, str) else found or []
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise SettingsError(f"{origin}: {key} is a text or a list of texts, not {found!r:.80}")
    return tuple(one for one in listed if one.strip())
