"""Dishes: told from one another by how they differ, with everything else left where it lay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.encoders.bridge.side import to_unit
from ingest.encoders.hinge.bridge import Bridge
from ingest.encoders.hinge.contrast import Examples
from ingest.encoders.hinge.learn_dishes import SPREAD_RIDGE, add_dishes, to_common, to_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NO_TORCH = "torch trains; it is not installed (extra `models`)"
WIDTH = 16
COUNT = 60


def _draw(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _to_texts(seed: int, about: Floats) -> Floats:
    """Texts that have a subject in common."""
    return to_unit(about + 0.6 * _draw(seed, COUNT, WIDTH))


def _examples(texts: Floats, kind: float, lean: Floats, seed: int) -> Examples:
    """Features that are their texts, all of them leaning one way, and what kind they are."""
    seen = texts + lean + 0.1 * _draw(seed, *texts.shape)
    return Examples(
        features=np.concatenate([seen, np.full((len(texts), 1), kind, np.float32)], axis=1),
        logits=np.zeros((len(texts), 3), dtype=np.float32),
        texts=texts,
        owned=np.arange(len(texts))[:, None],
        classes=_draw(0, 3, WIDTH),
    )


def _to_bridge() -> Bridge:
    """A map that gives back what :func:`_examples` put into the features."""
    return Bridge(
        mean=np.zeros(WIDTH + 1, dtype=np.float32),
        scale=np.ones(WIDTH + 1, dtype=np.float32),
        weight=np.eye(WIDTH, WIDTH + 1, dtype=np.float32),
        bias=np.zeros(WIDTH, dtype=np.float32),
        classes=_draw(0, 3, WIDTH),
        temperature=1.0,
        residual=0.0,
    )


def _join(*parts: Examples) -> Examples:
    starts = np.cumsum([0, *(len(part.texts) for part in parts)])
    return replace(
        parts[0],
        features=np.concatenate([part.features for part in parts]),
        logits=np.concatenate([part.logits for part in parts]),
        texts=np.concatenate([part.texts for part in parts]),
        owned=np.concatenate(
            [part.owned + start for part, start in zip(parts, starts[:-1], strict=True)]
        ),
    )


def test_dishes_are_told_apart_and_others_stay_where_they_lay() -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    food, rest = _draw(1, WIDTH), _draw(2, WIDTH)
    texts, other_texts = _to_texts(3, food), _to_texts(4, rest)
    lean = 4 * to_unit(_draw(5, 1, WIDTH))[0]
    dishes, others = _examples(texts, 6, lean, 6), _examples(other_texts, -6, 0 * lean, 7)
    drawings = _examples(_to_texts(8, food), -6, lean, 9)
    figures, are_dishes = _join(others, dishes), np.repeat([False, True], COUNT)
    first = _to_bridge()

    second = add_dishes(first, figures, are_dishes, drawings)
    assert replace(second, dishes=None).to_bytes({}) == first.to_bytes({})
    before, after = (one.to_vectors(figures.features, figures.logits) for one in (first, second))
    np.testing.assert_allclose(after[~are_dishes], before[~are_dishes], atol=1e-2)

    def recall(vectors: Floats) -> float:
        every = vectors[are_dishes] @ figures.texts.T
        return float(np.mean(every.argmax(axis=1) == COUNT + np.arange(COUNT)))

    assert recall(before) < 0.3
    assert recall(after) > 0.6
    again = add_dishes(first, figures, are_dishes, drawings)
    assert again.to_bytes({}) == second.to_bytes({})


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(3, 40))
def test_the_spread_squared_is_the_covariance_with_a_ridge(seed: int, count: int) -> None:
    texts = to_unit(_draw(seed, count, WIDTH))
    spread = to_spread(texts).astype(np.float64)
    np.testing.assert_allclose(spread, spread.T, atol=1e-6)
    covariance = np.cov(texts.T.astype(np.float64))
    expected = covariance / (np.trace(covariance) / WIDTH) + SPREAD_RIDGE * np.eye(WIDTH)
    np.testing.assert_allclose(spread @ spread, expected, atol=1e-5)


def test_what_texts_have_in_common_prefers_none_of_them() -> None:
    """Texts lie apart from others in two directions, and differ much in one of the two."""
    varied = 0.2 * _draw(2, 200, WIDTH)
    varied[:, 0] = 1 + 0.8 * _draw(3, 200)
    varied[:, 1] = 1
    texts, others = to_unit(varied), to_unit(0.2 * _draw(4, 200, WIDTH))
    common = to_common(texts, others)
    assert np.linalg.norm(common) == pytest.approx(1, abs=1e-6)
    apart = texts.mean(axis=0) - others.mean(axis=0)
    assert abs(common[0] / common[1]) < 0.75 * abs(apart[0] / apart[1])
    assert np.quantile(texts @ common, 0.1) > np.quantile(others @ common, 0.9)
