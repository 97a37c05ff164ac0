"""Fits and percentiles by hand; which labels become tags."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from schemas.errors import QueryError
from search.annotate.tagger import Rule, Tag, to_tags
from search.annotate.yardstick import FEWEST_IMAGES, Yardstick

WORDS = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
"""Their mean is (1/2, 1/2, 0); centred they are (1/2, -1/2, 0) and (-1/2, 1/2, 0)."""

IMAGE = np.array([[0.8, 0, 0.6]], dtype=np.float32)
"""Scores the words with 0.4 and -0.4, so their deviation is 0.4."""


def test_a_fit_is_the_lead_over_the_average_word_in_deviations_of_the_words() -> None:
    yardstick = Yardstick(IMAGE, WORDS)
    labels = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=np.float32)
    # The average word scores 0.4, the labels 0.8, 0.6 and 0.
    assert_allclose(yardstick.to_fits(IMAGE, labels), [[1.0, 0.5, -1.0]], atol=1e-6)


def test_the_average_image_is_taken_away_where_there_are_enough() -> None:
    images = np.repeat(IMAGE, FEWEST_IMAGES, axis=0)
    images[::2] = [0, 0.8, 0.6]  # the mean is (0.4, 0.4, 0.6)
    label = np.array([[0, 0, 1]], dtype=np.float32)
    # (0.4, -0.4, 0) · (-0.5, -0.5, 1) = 0; as it stands, the first image would give 0.5
    assert_allclose(Yardstick(images, WORDS).to_fits(IMAGE, label), [[0.0]], atol=1e-6)
    assert_allclose(Yardstick(images[:-1], WORDS).to_fits(IMAGE, label), [[0.5]], atol=1e-6)


def test_a_percentile_counts_the_neutral_words_that_fit_less() -> None:
    yardstick = Yardstick(IMAGE, WORDS)  # the neutral words fit with 1 and -1
    fits = np.array([[-2.0, 0.0, 2.0]])
    assert yardstick.to_percentiles(fits).tolist() == [[0.0, 50.0, 99.99]]


def test_tags_are_the_best_labels_above_the_percentile() -> None:
    names = ("cat", "dog", "moon")
    labels = np.array([[0.6, 0, 0.8], [0, 1, 0], [0.8, 0.6, 0]], dtype=np.float32)
    # They score 0.96, 0 and 0.64, and so fit with 1.4, -1 and 0.6.
    tags = to_tags(IMAGE, names, labels, Yardstick(IMAGE, WORDS), Rule(top=2, min_percentile=50))
    assert [(tag.label, round(tag.score, 6), tag.percentile) for tag in tags[0]] == [
        ("cat", 0.96, 99.99),
        ("moon", 0.64, 50.0),
    ]
    strict = Rule(top=2, min_percentile=99)
    assert [
        tag.label for tag in to_tags(IMAGE, names, labels, Yardstick(IMAGE, WORDS), strict)[0]
    ] == ["cat"]
    assert [
        len(one)
        for one in to_tags(
            IMAGE, names, labels, Yardstick(IMAGE, WORDS), Rule(top=1, min_percentile=0)
        )
    ] == [1]


def test_an_image_that_all_words_fit_alike_still_has_an_order() -> None:
    yardstick = Yardstick(np.array([[0, 0, 1]], dtype=np.float32), WORDS)
    labels = np.array([[0, 0, 1], [1, 0, 0]], dtype=np.float32)
    fits = yardstick.to_fits(np.array([[0, 0, 1]], dtype=np.float32), labels)
    assert np.isfinite(fits).all()
    assert fits[0, 0] > fits[0, 1]


@given(scale=st.floats(0.1, 10), top=st.integers(1, 4), least=st.floats(0, 99.99))
def test_tags_never_exceed_what_was_asked_for(scale: float, top: int, least: float) -> None:
    generator = np.random.default_rng(int(scale * 1000))
    rows = generator.standard_normal((20, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    names = [str(number) for number in range(4)]
    found = to_tags(rows[:5], names, rows[5:9], Yardstick(rows[:9], rows[9:]), Rule(top, least))
    for tags in found:
        assert len(tags) <= top
        assert all(least <= tag.percentile <= 99.99 for tag in tags)
        assert [tag.percentile for tag in tags] == sorted(
            (t.percentile for t in tags), reverse=True
        )


@pytest.mark.parametrize(("top", "least"), [(0, 99.0), (1, -1.0), (1, 100.0), (1, float("nan"))])
def test_a_rule_that_cannot_be_meant_is_refused(top: int, least: float) -> None:
    with pytest.raises(QueryError, match=r"top|min_percentile"):
        Rule(top, least)


def test_too_little_to_measure_by_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        Yardstick(IMAGE[:0], WORDS)


def test_a_tag_is_written_with_four_digits() -> None:
    assert Tag("cat", 0.123456, 99.87654).to_json() == {
        "label": "cat",
        "score": 0.1235,
        "percentile": 99.8765,
    }
