"""Vectors that come in a table: checked, and as rows of float32."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ingest.sources.row import Unusable

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[tuple[int], np.dtype[np.float32]]
    Matrix = np.ndarray[tuple[int, int], np.dtype[np.float32]]

_NO_VECTOR = (
    "is no vector: a list of finite numbers, not all of them 0, is expected; correct it, or leave "
    "it empty to have the row encoded"
)


def to_vector(value: object) -> Floats | Unusable:
    """A list of numbers, or one written as JSON, as a row of float32.

    Returns:
        The vector, or what is wrong with it: something in it is no number, not finite (in
        float32), or all of it is 0.
    """
    import numpy as np

    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return Unusable(_NO_VECTOR)
    if isinstance(value, np.ndarray) and value.dtype == np.float32 and value.ndim == 1:
        return value  # checked with its whole batch
    try:
        numbers = np.asarray(value)
    except (ValueError, OverflowError):
        return Unusable(_NO_VECTOR)
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "fiu":
        return Unusable(_NO_VECTOR)
    return to_vectors(to_float32(numbers).reshape(1, -1))[0]


def to_float32(numbers: np.ndarray) -> np.ndarray:
    """The numbers in float32; what is too large for it becomes infinite, without a warning."""
    import numpy as np

    with np.errstate(over="ignore"):
        return numbers.astype(np.float32, copy=False)


def to_vectors(matrix: Matrix) -> list[Floats | Unusable]:
    """The rows of a matrix, none of them copied; a row that is no vector as what is wrong with it.

    Args:
        matrix: (n, dim) float32.
    """
    import numpy as np

    rows: list[Floats | Unusable] = list(matrix)
    usable = np.isfinite(matrix).all(axis=1) & matrix.any(axis=1)
    for index in np.flatnonzero(~usable):
        rows[index] = Unusable(_NO_VECTOR)
    return rows
