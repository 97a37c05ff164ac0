"""The measures against cases that were computed by hand."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SettingsError
from search.evaluate.measures import DEFAULT_MEASURES, check_measures, compute, find_rank

ALL = ("recall@1", "recall@3", "success@1", "success@3", "precision@2", "mrr", "map")


def test_two_right_of_which_the_second_and_the_fourth_hit() -> None:
    values = compute(
        (*ALL, "ndcg@3", "ndcg@10"), {"q": {"b": 1, "d": 1}}, {"q": ["a", "b", "c", "d"]}
    )["q"]
    ideal = 1 + 1 / log2(3)
    assert values == {
        "recall@1": 0,
        "recall@3": 1 / 2,
        "success@1": 0,
        "success@3": 1,
        "precision@2": 1 / 2,
        "mrr": 1 / 2,
        "map": (1 / 2 + 2 / 4) / 2,
        "ndcg@3": pytest.approx(1 / log2(3) / ideal),
        "ndcg@10": pytest.approx((1 / log2(3) + 1 / log2(5)) / ideal),
    }


def test_a_right_item_that_is_not_found_counts_as_nothing() -> None:
    values = compute(("recall@10", "map", "mrr"), {"q": {"a": 1, "z": 1}}, {"q": ["a", "b"]})
    assert values == {"q": {"recall@10": 1 / 2, "map": 1 / 2, "mrr": 1}}


def test_grades_weigh_in_ndcg() -> None:
    values = compute(("ndcg@10",), {"q": {"good": 3, "fair": 1}}, {"q": ["fair", "good"]})
    expected = (1 + 3 / log2(3)) / (3 + 1 / log2(3))
    assert values["q"]["ndcg@10"] == pytest.approx(expected)


def test_an_empty_answer_is_zero_in_everything() -> None:
    names = [name for name in DEFAULT_MEASURES if name != "median_rank"]
    assert compute(DEFAULT_MEASURES, {"q": {"a": 1}}, {"q": []}) == {"q": dict.fromkeys(names, 0)}


def test_the_order_is_the_answers_whatever_the_ids() -> None:
    answer = [f"{number:03}" for number in reversed(range(300))]
    assert compute(("mrr",), {"q": {"100": 1}}, {"q": answer})["q"]["mrr"] == 1 / 200


@given(
    answer=st.lists(st.sampled_from("abcdefghij"), unique=True),
    right=st.sets(st.sampled_from("abcdefghijkl"), min_size=1),
)
def test_they_are_what_their_definitions_say(answer: list[str], right: set[str]) -> None:
    names = ("recall@1", "recall@5", "success@5", "mrr", "map")
    values = compute(names, {"q": dict.fromkeys(right, 1)}, {"q": answer})["q"]
    found = [one in right for one in answer]
    rank = find_rank(dict.fromkeys(right, 1), answer)
    precisions = [sum(found[:k]) / k for k, is_right in enumerate(found, 1) if is_right]
    assert values == {
        "recall@1": pytest.approx(sum(found[:1]) / len(right)),
        "recall@5": pytest.approx(sum(found[:5]) / len(right)),
        "success@5": float(any(found[:5])),
        "mrr": pytest.approx(1 / rank if rank else 0),
        "map": pytest.approx(sum(precisions) / len(right)),
    }


@pytest.mark.parametrize("name", ["recall", "recall@0", "recal@5", "Recall@5", "map@", "", "@5"])
def test_what_is_no_measure_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(SettingsError, match=r"there are recall@K, success@K"):
        check_measures([name])
