"""Bootstrap intervals of recall, over images that hang together and not over single questions.

Five captions of one photograph are no five independent questions: whole clusters are drawn (the
cluster bootstrap; Field and Welsh 2007), and before and after are compared in the same draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.evaluation import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES: Final = 2_000
LEVEL: Final = 0.95
_DRAWN_AT_ONCE: Final = 200
"""Draws held at once; of 10,000 clusters they take 16 MB."""


def estimate_means(
    rows: NDArray[np.float64], clusters: NDArray[np.int64], *, seed: int
) -> list[Estimate]:
    """The mean of each row over its questions, with its 95 % percentile interval.

    Args:
        rows: ``(m, q)`` float64, a value of each question.
        clusters: ``(q,)`` int64 from 0 up, to which cluster each question belongs.
        seed: Of the draws, the same ones for all rows.
    """
    _, places = np.unique(clusters, return_inverse=True)
    count = int(places.max()) + 1
    sums = np.stack(
        [np.bincount(places, weights=row, minlength=count).astype(np.float64) for row in rows]
    )
    sizes = np.bincount(places, minlength=count).astype(np.float64)
    means = rows.mean(axis=1)
    if count == 1:  # one cluster says nothing of others
        return [Estimate(float(mean), float(mean), float(mean)) for mean in means]
    drawn = _draw(sums, sizes, seed)
    tail = (1 - LEVEL) / 2 * 100
    lows, highs = np.percentile(drawn, [tail, 100 - tail], axis=1)
    return [
        Estimate(float(mean), min(float(mean), float(low)), max(float(mean), float(high)))
        for mean, low, high in zip(means, lows, highs, strict=True)
    ]


def _draw(sums: NDArray[np.float64], sizes: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """``(m, RESAMPLES)`` means of as many clusters as there are, drawn with replacement."""
    generator = np.random.default_rng(seed)
    count = len(sizes)
    parts = []
    for _ in range(RESAMPLES // _DRAWN_AT_ONCE):
        times = generator.multinomial(count, np.full(count, 1 / count), size=_DRAWN_AT_ONCE)
        parts.append((sums @ times.T) / (times @ sizes))
    return np.concatenate(parts, axis=1)
