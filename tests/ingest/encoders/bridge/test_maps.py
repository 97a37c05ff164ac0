"""A map of features: what does not belong together is refused before anything is encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ingest.encoders.bridge.maps import Map

RIGHT: dict[str, Any] = {
    "mean": np.zeros(3, "f"),
    "scale": np.ones(3, "f"),
    "bias": np.zeros(2, "f"),
    "weight": np.ones((2, 3), "f"),
    "inner": np.ones((4, 3), "f"),
    "inner_bias": np.zeros(4, "f"),
    "outer": np.ones((2, 4), "f"),
}


def test_a_map_comes_back_from_its_arrays() -> None:
    again = Map.from_tensors(RIGHT)
    assert again.to_tensors().keys() == RIGHT.keys()
    # 1 + 2 + 3 straight, and four hidden numbers of 6 each.
    np.testing.assert_array_equal(again.apply(np.array([[1, 2, 3]], "f")), [[30, 30]])


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_an_array_of_another_shape_is_refused(name: str) -> None:
    shortened = {**RIGHT, name: RIGHT[name][:-1]}
    with pytest.raises(ValueError, match="shapes do not fit"):
        Map.from_tensors(shortened)
