"""A gate before a map: it tells a domain from others, and what is not of the domain stays."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.encoders.bridge.described import Described
from ingest.encoders.bridge.gate import Gate, fit_gate
from ingest.encoders.bridge.maps import Map
from ingest.encoders.bridge.side import Base, Side, to_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def _draw(seed: int, count: int, shift: float, width: int = 50) -> Floats:
    """Rows of which three features say what they are; the last is always 7."""
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    rows[:, :3] += shift
    rows[:, -1] = 7
    return rows


def test_what_was_not_learned_from_is_told_apart() -> None:
    gate = fit_gate(_draw(1, 40, 2), _draw(2, 160, -2))
    own, others = gate.to_shares(_draw(3, 500, 2)), gate.to_shares(_draw(4, 500, -2))
    assert own.shape == (500, 1)
    assert str(own.dtype) == "float32"
    assert np.quantile(own, 0.05) > 0.8
    assert np.quantile(others, 0.95) < 0.2


def test_both_kinds_count_the_same_however_many_there_are() -> None:
    own, others = _draw(1, 40, 2), _draw(2, 40, -2)
    once, often = fit_gate(own, others), fit_gate(own, np.tile(others, (5, 1)))
    np.testing.assert_allclose(often.weight, once.weight, atol=1e-4)
    assert often.threshold == pytest.approx(once.threshold, abs=1e-3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.floats(1e-3, 1e3))
def test_a_feature_counts_the_same_in_any_unit(seed: int, n: int, m: int, unit: float) -> None:
    own, others = _draw(seed, n, 2), _draw(seed + 1, m, -2)
    scale = np.float32(unit)
    plain, scaled = fit_gate(own, others), fit_gate(scale * own, scale * others)
    every = np.concatenate([own, others])
    shares = plain.to_shares(every)
    assert ((shares >= 0) & (shares <= 1)).all()
    np.testing.assert_allclose(scaled.to_shares(scale * every), shares, atol=1e-3)


def _side() -> Side:
    """The map says (0, 1) of everything; the first feature above 0 is the domain."""
    still = np.zeros(2, dtype=np.float32)
    told = Map(still, np.ones(2, np.float32), np.array([0, 1], np.float32), np.zeros((2, 2), "f"))
    gate = Gate(np.array([1000, 0], dtype=np.float32), 0.0)
    return Side(Base.OWN, told, map_weight=2.0, gate=gate)


def test_a_map_counts_by_the_share_of_the_gate() -> None:
    features = np.array([[-1, 3], [1, 3], [0, 3]], dtype=np.float32)
    own = np.tile(np.array([[1, 0]], dtype=np.float32), (3, 1))
    rows = _side().apply(Described(features, own))
    np.testing.assert_allclose(rows, to_unit(np.array([[1, 0], [1, 2], [1, 1]], "f")), atol=1e-6)


def test_a_gated_side_comes_back_from_its_parts() -> None:
    side = _side()
    again = Side.from_parts(side.to_json(), side.to_tensors())
    assert again.gate is not None
    assert side.gate is not None
    assert again.gate.threshold == side.gate.threshold
    np.testing.assert_array_equal(again.gate.weight, side.gate.weight)
    assert "gate_threshold" not in replace(side, gate=None).to_json()


def test_a_gate_stands_between_a_base_and_a_map() -> None:
    side = _side()
    for lacking in ({"base": Base.NONE}, {"map": None}):
        with pytest.raises(ValueError, match="between a base and a map"):
            replace(side, **lacking)


def test_a_feature_that_hardly_varies_does_not_rule() -> None:
    """MiniLM has some whose 1e-33 is rounding: elsewhere they may as well be 1e-9."""
    own, others, asked = _draw(1, 40, 2), _draw(2, 160, -2), _draw(3, 100, 2)
    for rows in (own, others):
        rows[:, 10] *= np.float32(1e-33)
    gate = fit_gate(own, others)
    asked[:, 10] = 0
    quiet = gate.to_shares(asked)
    asked[:, 10] = 1e-9
    np.testing.assert_allclose(gate.to_shares(asked), quiet, atol=1e-4)


def test_many_rows_take_no_memory_of_their_square() -> None:
    """As many pairs as a GPU may be given, of few features: a square of rows would take 7 GB."""
    own, others = _draw(1, 15_000, 2), _draw(2, 15_000, -2)
    tracemalloc.start()
    try:
        gate = fit_gate(own, others)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 100e6
    assert np.quantile(gate.to_shares(own), 0.05) > 0.8


@pytest.mark.parametrize("width", [79, 80, 81])
def test_as_many_rows_as_features_are_no_turning_point(width: int) -> None:
    """Solved between rows or between features, it is one regression."""
    own, others = _draw(1, 40, 2, width), _draw(2, 40, -2, width)
    doubled = fit_gate(np.repeat(own, 2, axis=0), np.repeat(others, 2, axis=0))
    np.testing.assert_allclose(fit_gate(own, others).weight, doubled.weight, atol=1e-5)


@pytest.mark.parametrize(
    ("tensors", "fields"),
    [
        ({"gate": None}, {}),
        ({"gate": np.ones(3, dtype=np.float32)}, {}),
        ({"gate": np.ones((2, 1), dtype=np.float32)}, {}),
        ({"gate": np.array([1, np.nan], dtype=np.float32)}, {}),
        ({}, {"gate_threshold": float("inf")}),
    ],
    ids=["lost", "too long", "no row", "no number", "without end"],
)
def test_a_damaged_gate_is_refused(tensors: dict[str, Any], fields: dict[str, Any]) -> None:
    """It would leave every vector where it lay, or none of them a number."""
    parts = _side().to_tensors() | tensors
    whole = {name: part for name, part in parts.items() if part is not None}
    with pytest.raises(ValueError, match="gate"):
        Side.from_parts(_side().to_json() | fields, whole)
