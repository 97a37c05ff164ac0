"""The last gate before a vector leaves an encoder: rows are finite and of unit length.

The vector stores accept NaN and zero vectors in silence and then never return them, so a row that
cannot be found again is refused here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import InvalidVector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from schemas.space import Vectors

MIN_NORM = 1e-12
"""A row shorter than this has no direction: what is left of it is rounding."""


def to_unit_rows(rows: ArrayLike, dimension: int) -> Vectors:
    """Scale every row to unit L2 norm, or refuse them all.

    Norms are taken in float64, so that neither huge nor tiny components overflow or vanish, and
    each row is scaled by itself: it never depends on its neighbours.

    Args:
        rows: Shape ``(n, dimension)``, any floating type; ``n`` may be 0. Not modified.
        dimension: Length that every row must have.

    Returns:
        Shape ``(n, dimension)``, float32, C-contiguous, every row finite and of unit L2 norm.

    Raises:
        InvalidVector: The shape is another, or a row is not finite or has no length; the message
            names the first such row, from 0.
    """
    wide = np.asarray(rows, dtype=np.float64)
    if wide.size == 0 and wide.shape[:1] == (0,):
        return np.empty((0, dimension), dtype=np.float32)
    if wide.ndim != 2 or wide.shape[1] != dimension:  # noqa: PLR2004 (rows of numbers)
        raise InvalidVector(
            f"expected rows of {dimension} numbers, the model gave an array of shape "
            f"{wide.shape}; the model and its description do not belong together"
        )
    _check_rows(np.asarray(np.isfinite(wide).all(axis=1)), "holds NaN or infinity")
    # Dividing by the largest component first keeps the squares inside float64 as well.
    largest = np.abs(wide).max(axis=1, keepdims=True)
    _check_rows(largest[:, 0] >= MIN_NORM, "is zero")
    scaled = wide / largest
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.ascontiguousarray(unit, dtype=np.float32)


def to_unit_row(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """:func:`to_unit_rows` for one row of float32, at a tenth of its cost.

    Args:
        row: Shape ``(dimension,)``. Not modified.

    Raises:
        InvalidVector: It is not finite or has no length.
    """
    wide = row.astype(np.float64)
    norm = math.sqrt(wide @ wide)  # no square of a float32 leaves float64
    if not MIN_NORM <= norm < math.inf:
        raise InvalidVector(
            f"its length is {norm:g}: it could be stored but never found again; give a vector "
            f"that is finite and not zero"
        )
    unit: NDArray[np.float32] = (wide / norm).astype(np.float32)
    return unit


def _check_rows(sound: NDArray[np.bool_], fault: str) -> None:
    """Name the first row that is not sound."""
    if not sound.all():
        raise InvalidVector(
            f"row {int(np.argmin(sound))} of {len(sound)} {fault}: it could be stored but never "
            f"found again; leave that item out or use another model or dtype"
        )
