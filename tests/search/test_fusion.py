"""Fusion that does not bury what has no words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.fusion import Standing, from_meaning, fuse, to_least_best, to_meaning

meanings = st.floats(0, 1, width=32)
bm25 = st.floats(0, 50, width=32)
cosines = st.floats(-1, 1, width=32)
standings = st.lists(st.builds(Standing, meanings, st.none() | bm25), max_size=30)


def order(items: list[Standing], **options: float) -> list[int]:
    """Indices, best first; equal scores by meaning, as a search does."""
    scores = fuse(items, **options)
    return sorted(range(len(items)), key=lambda i: (-scores[i], -items[i].meaning, i))


def test_a_name_that_stands_in_one_document_comes_first() -> None:
    items = [Standing(1.0, 0.4), Standing(0.9, 0.0), Standing(0.2, 9.0), Standing(0.1, 0.3)]
    assert order(items) == [2, 0, 1, 3]


def test_scores_by_hand() -> None:
    items = [Standing(1.0, None), Standing(0.5, 4.0), Standing(0.25, 1.0), Standing(0.0, 1.0)]
    # The squares of the shares of the best are 1, 1/16 and 1/16, the neutral one is 3/8.
    assert fuse(items, weight=1.0) == [1.0, 0.5 + 5 / 8, 0.25 - 5 / 16, 0.0 - 5 / 16]
    assert fuse(items, weight=0.5) == [1.0, 0.5 + 5 / 16, 0.25 - 5 / 32, 0.0 - 5 / 32]
    assert fuse(items, weight=1.0, least_best=8.0) == [
        1.0,
        0.5 + 5 / 32,
        0.25 - 5 / 64,
        0.0 - 5 / 64,
    ]


def test_small_words_alone_move_little() -> None:
    items = [Standing(1.0, None), Standing(0.8, 0.4), Standing(0.1, 0.0)]
    assert order(items, least_best=4.0) == [0, 1, 2]


@given(st.lists(meanings, max_size=20), st.none() | bm25, st.floats(0, 5))
def test_words_that_match_all_alike_change_nothing(
    found: list[float], alike: float | None, weight: float
) -> None:
    items = [Standing(meaning, None if index % 3 else alike) for index, meaning in enumerate(found)]
    assert order(items, weight=weight) == sorted(
        range(len(items)), key=lambda i: (-items[i].meaning, i)
    )


@given(standings, st.floats(0, 5), st.floats(0, 20))
def test_an_item_without_words_falls_only_behind_words_above_the_average(
    items: list[Standing], weight: float, least_best: float
) -> None:
    said = [one.words for one in items if one.words is not None]
    best = max([least_best, *said])
    shares = [(one / best) ** 2 for one in said if best > 0]
    mean = min(max(shares), max(min(shares), math.fsum(shares) / len(shares))) if shares else 0.0
    ranks = {
        index: rank for rank, index in enumerate(order(items, weight=weight, least_best=least_best))
    }
    above = sum(one > mean for one in shares)
    by_meaning = sorted(range(len(items)), key=lambda i: (-items[i].meaning, i))
    for before, index in enumerate(by_meaning):
        if items[index].words is None:
            assert ranks[index] <= before + above


@given(standings, st.data())
def test_better_words_never_lower_an_item(items: list[Standing], data: st.DataObject) -> None:
    worded = [index for index, one in enumerate(items) if one.words is not None]
    if not worded:
        return
    chosen = data.draw(st.sampled_from(worded))
    old = items[chosen].words
    assert old is not None
    better = [*items]
    better[chosen] = Standing(items[chosen].meaning, old + data.draw(st.floats(1, 20)))
    assert order(better).index(chosen) <= order(items).index(chosen)


@given(standings)
def test_without_weight_the_order_is_that_of_the_meanings(items: list[Standing]) -> None:
    assert order(items, weight=0.0) == sorted(
        range(len(items)), key=lambda i: (-items[i].meaning, i)
    )


def test_cosines_are_measured_between_the_nearest() -> None:
    nearest = [0.1, 0.4, 0.2]
    assert to_meaning([0.4, 0.3, 0.2, 0.1, -0.8], nearest) == pytest.approx(
        [1, 0.5, 0, -0.00005, -0.0005]
    )
    assert [from_meaning(one, nearest) for one in (1, 0.5, 0, 1.5)] == pytest.approx(
        [0.4, 0.3, 0.2, 0.5]
    )
    assert to_meaning([0.3, 0.1], [0.3]) == pytest.approx([1.0, -0.0001], abs=1e-6)
    assert to_meaning([], [0.3]) == []


@given(st.lists(cosines, max_size=20), st.lists(cosines, max_size=20))
def test_the_scale_keeps_the_order(found: list[float], nearest: list[float]) -> None:
    falling = sorted(found, reverse=True)
    within = [min(one, max(nearest, default=1.0)) for one in falling]
    on_scale = to_meaning(within, nearest)
    assert on_scale == sorted(on_scale, reverse=True)
    assert all(-0.0021 <= one <= 1 for one in on_scale)


def test_what_a_word_is_worth_that_some_have() -> None:
    assert to_least_best(0) == to_least_best(1) == pytest.approx(math.log(1 + 0.5 / 1.5))
    assert to_least_best(10_000) == pytest.approx(math.log(1 + 9_900.5 / 100.5))
