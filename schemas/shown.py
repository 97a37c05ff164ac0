"""Values as messages show them."""

from __future__ import annotations

from typing import Final

MOST_CHARACTERS: Final = 80


def to_shown(value: object) -> str:
    """The ``repr`` of a value, cut where it is long: a message is a line.

    What has none, an integer of thousands of digits or what nests too deep, is described.
    """
    try:
        said = repr(value)
    except ValueError:
        return "a number of very many digits"
    except RecursionError:
        return f"a {type(value).__name__} that nests too deep"
    return said if len(said) <= MOST_CHARACTERS else f"{said[: MOST_CHARACTERS - 1]}…"
