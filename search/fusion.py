"""One order out of two: by the vector of the meaning, and by words, which not every item has.

Ranks cannot be fused fairly here. Reciprocal rank fusion gives an item that one ranking lacks
nothing for it, so every photograph without a caption sinks below whatever shares a "the" with the
query; and to a rank, a name that stands in one document of a million is the same as that "the".
So scores are fused, each on a scale of its own:

- **meaning**: the cosine between the last of the nearest items (0) and the first (1); an item that
  only its words found has 0;
- **words**: BM25 over the best one, or over what one word is worth that stands in as many items as
  the square root of all, if that is more: a query of which only its small words are found is
  nowhere near 1.

An item that has words gets its meaning plus the distance of its words from the *neutral* score, the
mean of all items that have words. One that has none is taken to be neutral: it gets its meaning.
Therefore

- if all that have words match equally well, or none does, the order is that of the cosines;
- an item without words is passed by one of a lower cosine only if that one's words match better
  than the average, so it falls by no more places than there are such items;
- where few match, and only they rise, no other item falls by more than those few.

The form, a sum of scores scaled by what the candidates hold, is Bruch, Gai and Ingber's convex
combination (*An Analysis of Fusion Functions for Hybrid Retrieval*, 2023), which they found above
rank fusion; the neutral score is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS_WEIGHT: Final = 1.0
"""What the best match of words is worth, in distances from the last of the nearest items to the
first (``benchmarks/hybrid.py``)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an item stands in both rankings.

    Attributes:
        meaning: On the scale of :func:`to_meaning`, or any other on which 1 is the best.
        words: Its BM25 score, 0 where no word matches; None for an item without words.
    """

    meaning: float
    words: float | None


def fuse(
    standings: Sequence[Standing], *, weight: float = WORDS_WEIGHT, least_best: float = 0.0
) -> list[float]:
    """The fused score of every item, higher is better.

    Args:
        standings: All candidates: the nearest, and those whose words match best.
        weight: Of the words; 0 leaves the order of the meanings.
        least_best: What the best BM25 score is taken for if it is less, see
            :func:`to_least_best`.

    Returns:
        A score for each, in the same order.
    """
    said = [one.words for one in standings if one.words is not None]
    best = max([least_best, *said])
    if best <= 0:
        return [one.meaning for one in standings]
    neutral = _mean(said)
    return [
        one.meaning if one.words is None else one.meaning + weight * (one.words - neutral) / best
        for one in standings
    ]


def _mean(scores: Sequence[float]) -> float:
    """The mean; of equal scores exactly their value, whatever rounding does."""
    if not scores:
        return 0.0
    return min(max(scores), max(min(scores), math.fsum(scores) / len(scores)))


def to_meaning(cosines: Sequence[float], nearest: Sequence[float]) -> list[float]:
    """Cosines on the scale from the last of the nearest items (0) to the first (1).

    Args:
        cosines: Of the candidates.
        nearest: The cosines of the nearest items, in any order. Where they are all the same, the
            scale has but its ends.

    Returns:
        One a cosine, from 0 to 1.
    """
    if not nearest:
        return [0.0] * len(cosines)
    low, high = min(nearest), max(nearest)
    if high <= low:
        return [float(cosine >= high) for cosine in cosines]
    return [min(1.0, max(0.0, (cosine - low) / (high - low))) for cosine in cosines]


def to_least_best(items: int) -> float:
    """The inverse document frequency of a word that stands in the square root of all items.

    Args:
        items: How many there are.
    """
    items = max(1, items)
    holding = math.sqrt(items)
    return math.log(1 + (items - holding + 0.5) / (holding + 0.5))
