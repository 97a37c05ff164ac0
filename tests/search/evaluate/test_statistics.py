"""Intervals and tests against cases that can be counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.evaluation import Estimate
from search.evaluate.statistics import estimate_means, estimate_median, to_p_value

HOW = {"resamples": 2_000, "seed": 7}


def test_the_interval_is_that_of_the_binomial() -> None:
    """Resampled means of 64 ones and 36 zeros are binomial: its quantiles are 54 and 73."""
    rows = np.array([[1.0] * 64 + [0.0] * 36])
    [estimate] = estimate_means(rows, confidence=0.95, **HOW)
    assert estimate.value == 0.64
    assert estimate.low == pytest.approx(0.545, abs=0.016)
    assert estimate.high == pytest.approx(0.73, abs=0.016)


def test_the_same_seed_gives_the_same_interval() -> None:
    rows = np.random.default_rng(0).random((3, 50))
    first = estimate_means(rows, confidence=0.9, **HOW)
    assert estimate_means(rows, confidence=0.9, **HOW) == first
    assert estimate_means(rows, confidence=0.9, resamples=2_000, seed=8) != first


def test_a_higher_confidence_is_a_wider_interval() -> None:
    rows = np.random.default_rng(0).random((1, 50))
    [narrow] = estimate_means(rows, confidence=0.5, **HOW)
    [wide] = estimate_means(rows, confidence=0.99, **HOW)
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_equal_values_and_a_single_one_have_no_width() -> None:
    [equal] = estimate_means(np.full((1, 9), 0.1), confidence=0.95, **HOW)
    assert (equal.low, equal.value, equal.high) == pytest.approx((0.1, 0.1, 0.1))
    assert estimate_means(np.array([[0.5]]), confidence=0.95, **HOW) == [Estimate(0.5, 0.5, 0.5)]


def test_the_median_of_ranks() -> None:
    ranks = np.array([1.0, 1, 2, 3, 101, 101, 101])
    estimate = estimate_median(ranks, confidence=0.95, **HOW)
    assert (estimate.value, estimate.low, estimate.high) == (3, 1, 101)


def test_few_questions_are_tested_by_all_signs() -> None:
    """Of the eight signs of three equal differences two give a mean as far from zero."""
    assert to_p_value([1, 1, 1], [0, 0, 0], seed=0) == 2 / 8
    assert to_p_value([1, 0, 1, 0], [0, 1, 0, 1], seed=0) == 1
    assert to_p_value([0.5], [0.5], seed=0) == 1


def test_one_question_tells_nothing_by_its_sign() -> None:
    assert to_p_value([1.0], [0.0], seed=0) == 1.0


def test_many_questions_are_tested_by_draws() -> None:
    here, there = [1.0] * 60 + [0.0] * 40, [0.0] * 30 + [1.0] * 30 + [0.0] * 40
    assert to_p_value(here, there, seed=0) < 0.001
    assert to_p_value(here, there, seed=0) == to_p_value(here, there, seed=0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 3))
def test_an_interval_holds_its_value_and_lies_in_range(values: list[float], seed: int) -> None:
    [estimate] = estimate_means(np.array([values]), resamples=50, confidence=0.95, seed=seed)
    assert min(values) - 1e-9 <= estimate.low <= estimate.value <= estimate.high
    assert estimate.high <= max(values) + 1e-9
