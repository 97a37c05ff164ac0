"""Recall: every text among the images, every image among the texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ingest.encoders.bridge.recall as module
from ingest.encoders.bridge.described import Described
from ingest.encoders.bridge.examples import Examples
from ingest.encoders.bridge.recall import Recall, recall
from ingest.encoders.bridge.side import Base, Side
from tests.ingest.encoders.bridge.made_up import Floats, make_examples, own_of, to_unit

OWN = Side(Base.OWN)


def _examples(images: Floats, texts: Floats, owned: list[list[int]]) -> Examples:
    return Examples(Described(images, images), Described(texts, texts), np.array(owned))


def test_ranks_are_counted_from_the_wrong_ones_before_the_first_right_one() -> None:
    images = to_unit(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    texts = to_unit(np.array([[1.0, 0.1], [0.2, 1.0], [1.0, 0.0]]))

    found = recall(OWN, OWN, _examples(images, texts, [[0, -1], [1, 2], [1, -1]]), (1, 2, 3))

    # Text 2 is nearest to image 0, which is not its own; text 1 is right for two images.
    assert found.text_ranks.tolist() == [0, 0, 1]
    assert found.image_ranks.tolist() == [1, 0, 0]
    assert found.text_to_image == {1: 2 / 3, 2: 1.0, 3: 1.0}
    assert found.image_to_text == {1: 2 / 3, 2: 1.0, 3: 1.0}
    assert found.to_score(1) == (2 / 3, (2.5 / 3 + 2.5 / 3) / 2)


def test_the_order_of_the_queries_does_not_decide() -> None:
    """A sum of the same numbers in another order is another number."""
    ranks = np.random.default_rng(0).integers(0, 40, 99)
    scores = {
        Recall({1: 0.5}, {1: 0.5}, some, some).to_score(1)
        for some in (np.random.default_rng(seed).permutation(ranks) for seed in range(20))
    }
    assert len(scores) == 1


def test_what_ties_counts_as_before_the_right_one() -> None:
    same = to_unit(np.ones((4, 3)))

    found = recall(OWN, OWN, _examples(same, same, [[0], [1], [2], [3]]), (1, 4))

    assert found.text_ranks.tolist() == [3, 3, 3, 3]
    assert found.text_to_image == {1: 0.0, 4: 1.0}


def test_a_text_of_no_image_is_searched_in_and_asks_nothing() -> None:
    images = to_unit(np.array([[1.0, 0.0]]))
    texts = to_unit(np.array([[0.9, 0.1], [0.0, 1.0], [1.0, 0.0]]))

    found = recall(OWN, OWN, _examples(images, texts, [[0]]))

    assert found.text_ranks.tolist() == [0]
    assert found.image_ranks.tolist() == [1]


def test_nothing_to_search_is_a_recall_of_zero() -> None:
    found = recall(OWN, OWN, make_examples(5).take([]))

    assert found.text_to_image == {1: 0.0, 5: 0.0, 10: 0.0}
    assert found.image_ranks.shape == (0,)
    assert found.to_score(10) == (0.0, 0.0)


@given(count=st.integers(1, 30), texts=st.integers(1, 3), block=st.sampled_from([1, 7, 50]))
def test_blocks_find_what_a_whole_matrix_finds(count: int, texts: int, block: int) -> None:
    examples = make_examples(count, noise=2, texts=texts)
    scores = own_of(examples.images) @ own_of(examples.texts).T
    right = np.zeros(scores.shape, dtype=bool)
    right[np.arange(count)[:, None], examples.owned] = True
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    expected = ((scores >= best) & ~right).sum(axis=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SCORES_AT_ONCE", block)
        found = recall(OWN, OWN, examples)

    np.testing.assert_array_equal(found.image_ranks, expected)
    assert found.text_ranks.shape == (count * texts,)
