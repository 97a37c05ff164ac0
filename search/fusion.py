"""One order out of two: by the vector of the meaning, and by words, which not every item has.

Ranks cannot be fused fairly here. Reciprocal rank fusion gives an item that one ranking lacks
nothing for it, so every photograph without a caption sinks below whatever shares a "the" with the
query; and to a rank, a name that stands in one document of a million is the same as that "the".
So scores are fused, each on a scale of its own:

- **meaning**: the cosine between the middle one of the nearest items (0) and the first (1). What is
  farther away is told apart by next to nothing, so that a far-off item which only its words found
  is no worse than the rest.
- **words**: the square of BM25 over the best one, or over what one word is worth that stands in as
  many items as the square root of all, if that is more: a query of which only its small words are
  found is nowhere near 1, and of two items the one that has half of the words has a quarter.

An item that has words gets its meaning plus the distance of its words from the *neutral* score, the
mean of all candidates that have words. One that has none is taken to be neutral: it gets its
meaning. Therefore

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

WORDS_WEIGHT: Final = 1.05
"""What the best match of words is worth, in distances from the middle one of the nearest items to
the first. A little more than 1: of an item that is nearest and has none of the words, and one that
is far and has them all, the latter comes first. Weight, square and middle were chosen together
(``benchmarks/hybrid.py``): nearly every name is among the first ten, photographs with captions gain
much, and those without lose little."""

_TAIL: Final = 1e-3
"""What a whole unit of cosine below the middle one is worth."""

_LEAST_SPAN: Final = 1e-3
"""Of a scale whose ends are nearly the same: enough to keep apart what words tell apart."""


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
    best = max([least_best, *(one.words for one in standings if one.words is not None)])
    if best <= 0:
        return [one.meaning for one in standings]
    shares = [None if one.words is None else (one.words / best) ** 2 for one in standings]
    neutral = _mean([share for share in shares if share is not None])
    return [
        one.meaning if share is None else one.meaning + weight * (share - neutral)
        for one, share in zip(standings, shares, strict=True)
    ]


def _mean(scores: Sequence[float]) -> float:
    """The mean; of equal scores exactly their value, whatever rounding does."""
    if not scores:
        return 0.0
    return min(max(scores), max(min(scores), math.fsum(scores) / len(scores)))


def to_meaning(cosines: Sequence[float], nearest: Sequence[float]) -> list[float]:
    """Cosines on the scale from the middle one of the nearest items (0) to the first (1).

    Args:
        cosines: Of the candidates.
        nearest: The cosines of the nearest items, in any order.

    Returns:
        One a cosine, from -:data:`_TAIL` to 1, in the same order of falling.
    """
    low, span = _to_scale(nearest)
    return [
        min(1.0, (cosine - low) / span) if cosine >= low else _TAIL * (cosine - low) / 2
        for cosine in cosines
    ]


def from_meaning(meaning: float, nearest: Sequence[float]) -> float:
    """The cosine at a place of the scale of :func:`to_meaning`, which goes on beyond its ends."""
    low, span = _to_scale(nearest)
    return low + meaning * span


def _to_scale(nearest: Sequence[float]) -> tuple[float, float]:
    """The cosine at 0, and the distance from there to 1."""
    if not nearest:
        return 0.0, _LEAST_SPAN
    falling = sorted(nearest, reverse=True)
    low = falling[len(falling) // 2]
    if falling[0] - low < _LEAST_SPAN:
        return falling[0] - _LEAST_SPAN, _LEAST_SPAN
    return low, falling[0] - low


def to_least_best(items: int) -> float:
    """The inverse document frequency of a word that stands in the square root of all items.

    Args:
        items: How many there are.
    """
    items = max(1, items)
    holding = math.sqrt(items)
    return math.log(1 + (items - holding + 0.5) / (holding + 0.5))
