"""Vectors in JSON: float32 in base64, a quarter of the digits' length."""

from __future__ import annotations

import base64
from array import array


def pack_floats(values: tuple[float, ...]) -> str:
    """The numbers, rounded to float32, little-endian on every machine that Diptych runs on."""
    return base64.b64encode(array("f", values).tobytes()).decode()


def unpack_floats(text: str) -> tuple[float, ...]:
    """What :func:`pack_floats` packed.

    Raises:
        ValueError: It is no base64, or not of whole numbers of four bytes.
    """
    numbers = array("f")
    numbers.frombytes(base64.b64decode(text, validate=True))
    return tuple(numbers)
