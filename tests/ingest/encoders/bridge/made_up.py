"""Made-up pairs to train on: images and texts are two noisy views of one hidden vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.encoders.bridge.described import Described
from ingest.encoders.bridge.examples import Examples

if TYPE_CHECKING:
    from ingest.encoders.bridge.maps import Map
    from ingest.encoders.bridge.side import Side

Floats = NDArray[np.float32]

FEATURES, DIMENSION, CLASSES = 24, 8, 12


def to_unit(rows: NDArray[np.floating]) -> Floats:
    """Rows at unit length."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def make_examples(count: int, *, noise: float = 0.3, seed: int = 0, texts: int = 1) -> Examples:
    """``count`` images of ``texts`` texts each; images have logits and vectors of their own too."""
    generator = np.random.default_rng(seed)
    fixed = np.random.default_rng(99)
    mixing = fixed.normal(size=(DIMENSION, FEATURES))
    classes = fixed.normal(size=(DIMENSION, CLASSES))
    hidden = generator.normal(size=(count, DIMENSION))
    seen = hidden @ mixing + noise * generator.normal(size=(count, FEATURES))
    own = to_unit(hidden + 2 * generator.normal(size=hidden.shape))
    said = np.repeat(hidden, texts, axis=0)
    vectors = to_unit(said + noise * generator.normal(size=said.shape))
    images = Described(seen.astype(np.float32), own, (hidden @ classes).astype(np.float32))
    owned = np.arange(count * texts).reshape(count, texts)
    return Examples(images, Described(vectors, vectors), owned)


def own_of(described: Described) -> Floats:
    """The encoder's own vectors, which are there."""
    assert described.own is not None
    return described.own


def map_of(side: Side) -> Map:
    """What was trained, which is there."""
    assert side.map is not None
    return side.map


def weight_of(side: Side) -> Floats:
    """Weights of a linear map, which are there."""
    weight = map_of(side).weight
    assert weight is not None
    return weight


def assert_same_side(one: Side, other: Side) -> None:
    """Every array of both has the same bytes."""
    first, second = one.to_tensors(), other.to_tensors()
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes(), name
