"""The gate that every vector passes before it leaves an encoder."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ingest.encoders.vectors import MIN_NORM, to_unit_rows
from schemas.errors import InvalidVector

ROWS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 6), st.just(4)),
    elements=st.floats(-1e300, 1e300, allow_nan=False),
).filter(lambda rows: bool((np.abs(rows).max(axis=1, initial=0) >= MIN_NORM).all()))


@given(ROWS)
def test_rows_become_unit_float32_in_order(rows: np.ndarray) -> None:
    unit = to_unit_rows(rows, 4)
    assert unit.shape == rows.shape
    assert unit.dtype == np.float32
    assert np.isfinite(unit).all()
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    assert (np.sign(unit) * np.sign(rows) >= 0).all()


@given(ROWS)
def test_a_row_never_depends_on_its_neighbours(rows: np.ndarray) -> None:
    together = to_unit_rows(rows, 4)
    for index in range(len(rows)):
        np.testing.assert_array_equal(together[index], to_unit_rows(rows[index : index + 1], 4)[0])


def test_the_input_is_left_alone() -> None:
    rows = np.array([[3.0, 4.0]], dtype=np.float32)
    np.testing.assert_allclose(to_unit_rows(rows, 2), [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_array_equal(rows, [[3.0, 4.0]])


@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_refused_by_number(fault: float) -> None:
    rows = np.ones((3, 2))
    rows[1, 0] = fault
    with pytest.raises(InvalidVector, match="row 1 of 3 holds NaN or infinity"):
        to_unit_rows(rows, 2)


def test_a_zero_row_is_refused_by_number() -> None:
    with pytest.raises(InvalidVector, match="row 2 of 3 is zero"):
        to_unit_rows([[1, 0], [0, 1], [0, 0]], 2)


@pytest.mark.parametrize("shape", [(2, 3), (2,), (1, 2, 2), ()])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidVector, match="expected rows of 2 numbers"):
        to_unit_rows(np.ones(shape), 2)


def test_no_rows_are_no_rows() -> None:
    assert to_unit_rows([], 5).shape == (0, 5)
    assert to_unit_rows(np.empty((0, 5)), 5).shape == (0, 5)
