"""Maps from features to class vectors: of images, and of a classifier's weights alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.bridge.devise import (
    Ranking,
    fit_class_weights,
    fit_ranking,
    fit_ridge,
    leave_classes_out,
)
from ingest.encoders.bridge.side import to_unit


def _normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("count", [30, 3])
def test_least_squares_find_a_linear_map_again(count: int) -> None:
    features, weight = _normal(count, 5), _normal(4, 5, seed=1)
    targets = features @ weight.T + 2
    found = fit_ridge(features, targets, ridge=1e-6)
    assert_allclose(found.apply(features), targets, atol=1e-3)


def test_a_stronger_penalty_gives_a_shorter_map() -> None:
    features, targets = _normal(20, 5), _normal(20, 4, seed=1)
    weak, strong = (fit_ridge(features, targets, ridge=ridge) for ridge in (0.01, 100))
    assert weak.weight is not None
    assert strong.weight is not None
    assert np.linalg.norm(strong.weight) < np.linalg.norm(weak.weight)


def test_features_that_never_change_are_no_reason_to_fail() -> None:
    features = np.ones((4, 3), dtype=np.float32)
    targets = _normal(4, 2)
    found = fit_ridge(features, targets, ridge=1.0)
    assert_allclose(found.apply(features), np.broadcast_to(targets.mean(axis=0), (4, 2)), atol=1e-6)


def test_the_ranking_loss_puts_an_image_nearer_to_its_own_class_than_least_squares_do() -> None:
    classes = to_unit(_normal(5, 8))
    truth = np.repeat(np.arange(5), 12)
    noise = np.float32(1.5) * _normal(60, 20, seed=2)
    features = (_normal(5, 20, seed=1)[truth] + noise).astype(np.float32)

    def loss(found: np.ndarray) -> float:
        scores = found @ classes.T
        own = scores[np.arange(60), truth][:, None]
        return float(np.maximum(0, 0.5 - own + scores).sum(axis=1).mean() - 0.5)

    start = fit_ridge(features, classes[truth], ridge=1.0)
    ranked = fit_ranking(features, truth, classes, ridge=1.0, ranking=Ranking(margin=0.5))
    assert loss(ranked.apply(features)) < 0.8 * loss(start.apply(features))


def test_a_seed_gives_the_same_map_and_another_one_does_not() -> None:
    classes, truth = to_unit(_normal(4, 6)), np.arange(40) % 4
    features = _normal(40, 10)
    first, same, other = (
        fit_ranking(
            features, truth, classes, ridge=1.0, ranking=Ranking(steps=5, batch=8, seed=seed)
        ).weight
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, same)  # type: ignore[arg-type]
    assert not np.array_equal(first, other)  # type: ignore[arg-type]


def test_class_weights_alone_give_a_map_where_words_are_a_function_of_them() -> None:
    weights = _normal(60, 12)
    targets = to_unit(weights @ _normal(7, 12, seed=1).T)
    found = leave_classes_out(weights, targets, seed=0)
    assert found.classes == 60
    assert found.first > 0.9
    assert found.first <= found.first_ten <= 1
    fitted = fit_class_weights(weights, targets, ridge=found.ridge)
    image = to_unit(fitted.apply(3 * weights[:1]))
    assert int((image @ targets.T).argmax()) == 0


def test_class_weights_that_know_nothing_are_said_to_know_nothing() -> None:
    assert leave_classes_out(_normal(100, 12), _normal(100, 7, seed=1), seed=0).first < 0.1


@given(st.integers(0, 4), st.integers(0, 1000))
def test_an_image_that_is_surely_of_one_class_has_the_vector_of_that_class(
    place: int, seed: int
) -> None:
    classes = _normal(5, 6, seed=seed)
    logits = np.full((1, 5), -1e4, dtype=np.float32)
    logits[0, place] = 1e4
    for most_classes in (None, 1, 3):
        found = Conse(classes, 2.0, most_classes).apply(logits)
        assert_allclose(found, to_unit(classes[[place]]), atol=1e-6)
