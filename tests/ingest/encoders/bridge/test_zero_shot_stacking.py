"""Seen classes against unseen ones: accuracies, calibrated stacking, the area under the curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.encoders.bridge.stacking import (
    Accuracy,
    Competition,
    choose_gamma,
    compete,
    to_class_mean,
)

_SHARES = st.floats(0, 1)


@st.composite
def _competitions(draw: st.DrawFn) -> tuple[Competition, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    classes = draw(st.integers(2, 6))
    is_seen = np.arange(classes) < draw(st.integers(1, classes - 1))
    scores = generator.normal(size=(draw(st.integers(1, 30)), classes))
    truth = generator.integers(classes, size=len(scores))
    return compete(scores, truth, is_seen), scores, truth, is_seen


@given(_competitions())
def test_without_gamma_an_image_goes_to_the_best_class_of_all(
    made: tuple[Competition, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    competition, scores, truth, is_seen = made
    right = scores.argmax(axis=1) == truth
    found = competition.at(0.0)
    for side, value in ((is_seen, found.seen), (~is_seen, found.unseen)):
        of_side = side[truth]
        expected = to_class_mean(right[of_side], truth[of_side]) if of_side.any() else 0.0
        assert value == pytest.approx(expected)


@given(_competitions(), st.floats(-5, 5))
def test_gamma_is_taken_from_the_scores_of_seen_classes(
    made: tuple[Competition, np.ndarray, np.ndarray, np.ndarray], gamma: float
) -> None:
    competition, scores, truth, is_seen = made
    lowered = compete(scores - gamma * is_seen, truth, is_seen).at(0.0)
    found = competition.at(gamma)
    assert (found.seen, found.unseen) == pytest.approx((lowered.seen, lowered.unseen))


@given(_competitions())
def test_the_curve_falls_and_rises_and_its_area_is_a_share(
    made: tuple[Competition, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    seen, unseen = made[0].to_curve()
    assert (np.diff(seen) <= 1e-12).all()
    assert (np.diff(unseen) >= -1e-12).all()
    assert unseen[0] == 0
    assert seen[-1] == pytest.approx(0)
    assert 0 <= made[0].area() <= 1 + 1e-12


@given(_competitions())
def test_the_chosen_gamma_is_as_good_as_none(
    made: tuple[Competition, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    competition = made[0]
    chosen = competition.at(choose_gamma([competition])).harmonic
    assert chosen >= competition.at(0.0).harmonic - 1e-9


@given(_SHARES, _SHARES)
def test_the_harmonic_mean_lies_between_both(seen: float, unseen: float) -> None:
    found = Accuracy(seen, unseen).harmonic
    assert min(seen, unseen) - 1e-12 <= found <= max(seen, unseen) + 1e-12
    assert found <= (seen + unseen) / 2 + 1e-12


def test_a_bias_towards_seen_classes_is_taken_away() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.5], [0.7, 0.6]])
    competition = compete(scores, np.array([0, 1, 1]), np.array([True, False]))
    assert competition.at(0.0) == Accuracy(1.0, 0.0)
    gamma = choose_gamma([competition])
    assert 0.1 < gamma < 0.8
    assert competition.at(gamma) == Accuracy(1.0, 1.0)
    assert competition.area() == 1.0


def test_without_validation_classes_gamma_is_nothing() -> None:
    assert choose_gamma([]) == 0.0


def test_classes_count_alike_however_many_images_they_have() -> None:
    right = np.array([True, False, False, False, True])
    assert to_class_mean(right, np.array([0, 0, 0, 0, 1])) == pytest.approx((0.25 + 1) / 2)


@pytest.mark.parametrize("is_seen", [[True, True], [False, False]])
def test_both_kinds_of_classes_are_needed(is_seen: list[bool]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        compete(np.eye(2), np.arange(2), np.array(is_seen))
