"""Recall of a bridge on pairs that it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from numpy.typing import NDArray

    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.side import Side

    Floats = NDArray[np.float32]
    Rows = NDArray[np.int64]

CUTS: Final = (1, 5, 10)

_SCORES_AT_ONCE: Final = 1 << 24
"""Cosines held at a time: 64 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """How often a right one is among the first ``k``.

    Attributes:
        text_to_image: Share of the texts, 0..1, by ``k``; each is a query over all images. Texts
            that belong to no image are no queries.
        image_to_text: Share of the images, 0..1, by ``k``; each is a query over all texts.
        text_ranks: ``(queries,)`` int64, in the order of the texts: how many wrong images come
            before the first right one, those that tie with it counted. 0 is best.
        image_ranks: ``(n,)`` int64, in the order of the images: the same for texts.
    """

    text_to_image: dict[int, float]
    image_to_text: dict[int, float]
    text_ranks: Rows
    image_ranks: Rows

    def to_mean(self, cut: int) -> float:
        """Mean of both directions at one of the cuts."""
        return (self.text_to_image[cut] + self.image_to_text[cut]) / 2

    def to_score(self, cut: int) -> tuple[float, float]:
        """What decides between two: the mean recall, and where it is equal the mean of 1 / rank.

        Few pairs are all among the first ten, and only the second part tells them apart.
        """
        ranks = np.sort(self.text_ranks), np.sort(self.image_ranks)  # a sum depends on its order
        reciprocal = [float(np.mean(1 / (part + 1))) if len(part) else 0.0 for part in ranks]
        return self.to_mean(cut), sum(reciprocal) / 2


def recall(images: Side, texts: Side, examples: Examples, cuts: Sequence[int] = CUTS) -> Recall:
    """Search every text among the images and every image among the texts.

    Args:
        images: Side of the images.
        texts: Side of the texts.
        examples: What is searched; it may be empty, and its recall is then 0.
        cuts: Each ``k``.
    """
    if not len(examples):
        none = np.zeros(0, dtype=np.int64)
        return Recall(_to_shares(none, cuts), _to_shares(none, cuts), none, none)
    image_rows, text_rows = images.apply(examples.images), texts.apply(examples.texts)
    owners, slots = np.nonzero(examples.owned >= 0)
    owned = examples.owned[owners, slots]
    image_ranks = _rank(image_rows, text_rows, owners, owned)
    text_ranks = _rank(text_rows, image_rows, owned, owners)[np.unique(owned)]
    return Recall(
        text_to_image=_to_shares(text_ranks, cuts),
        image_to_text=_to_shares(image_ranks, cuts),
        text_ranks=text_ranks,
        image_ranks=image_ranks,
    )


def _rank(queries: Floats, candidates: Floats, askers: Rows, right: Rows) -> Rows:
    """Rank of each query's first right candidate; ``right[i]`` is one of query ``askers[i]``."""
    order = np.argsort(askers, kind="stable")
    askers, right = askers[order], right[order]
    block = max(1, _SCORES_AT_ONCE // max(1, len(candidates)))
    starts = range(0, len(queries), block)
    cuts = np.searchsorted(askers, [*starts, len(queries)])
    ranks = [
        _rank_block(queries[start : start + block] @ candidates.T, askers[a:b] - start, right[a:b])
        for start, a, b in zip(starts, cuts, cuts[1:], strict=False)
    ]
    return np.concatenate(ranks)


def _rank_block(scores: Floats, askers: Rows, right: Rows) -> Rows:
    """A candidate that ties, or whose score is not a number, counts as before the right one."""
    found = scores[askers, right]
    best = np.full(len(scores), -np.inf, dtype=np.float32)
    np.maximum.at(best, askers, found)
    before = len(scores.T) - np.count_nonzero(scores < best[:, None], axis=1)
    tied = np.bincount(askers[~(found < best[askers])], minlength=len(scores))
    return np.asarray(before - tied, dtype=np.int64)


def _to_shares(ranks: Rows, cuts: Sequence[int]) -> dict[int, float]:
    return {cut: float(np.mean(ranks < cut)) if len(ranks) else 0.0 for cut in cuts}
