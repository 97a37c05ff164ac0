"""Intervals and tests over questions, by scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.evaluation import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

BATCH_NUMBERS: Final = 4_000_000
"""Of float64 that one batch of resamples may hold: 32 MB."""

TEST_RESAMPLES: Final = 9_999
"""Draws of signs in the test; with few questions all combinations are tried instead."""


def estimate_means(
    rows: NDArray[np.float64], *, resamples: int, confidence: float, seed: int
) -> list[Estimate]:
    """The mean of each row, with the percentile bootstrap interval over its columns.

    Args:
        rows: Shape (measures, questions), float64.
        resamples: Bootstrap samples of the questions, the same ones for all rows.
        confidence: Level of the interval, between 0 and 1.
        seed: Of the samples.
    """
    import numpy as np

    return _estimate(rows, np.mean, resamples=resamples, confidence=confidence, seed=seed)


def estimate_median(
    ranks: NDArray[np.float64], *, resamples: int, confidence: float, seed: int
) -> Estimate:
    """The median of shape (questions,), with its interval as above."""
    import numpy as np

    rows = ranks[np.newaxis]
    return _estimate(rows, np.median, resamples=resamples, confidence=confidence, seed=seed)[0]


def to_p_value(here: Sequence[float], there: Sequence[float], *, seed: int) -> float:
    """The two-sided p-value of a paired randomisation test of the mean difference.

    Args:
        here: Values by question.
        there: Of the same questions, in the same order.
        seed: Of the draws, where not all combinations are tried.
    """
    import numpy as np
    from scipy.stats import permutation_test

    if len(here) == 1 or all(one == other for one, other in zip(here, there, strict=True)):
        return 1.0  # of a single question both signs are as far from 0

    def mean_difference(
        one: NDArray[np.float64], other: NDArray[np.float64], axis: int
    ) -> NDArray[np.float64]:
        return np.asarray(np.mean(one - other, axis=axis))

    outcome = permutation_test(
        (np.asarray(here, dtype=np.float64), np.asarray(there, dtype=np.float64)),
        mean_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=TEST_RESAMPLES,
        batch=max(1, BATCH_NUMBERS // len(here)),
        rng=np.random.default_rng(seed),
    )
    return float(outcome.pvalue)


def _estimate(
    rows: NDArray[np.float64],
    statistic: Callable[..., Any],
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> list[Estimate]:
    import numpy as np
    from scipy.stats import bootstrap

    values = np.asarray(statistic(rows, axis=-1), dtype=np.float64)
    if rows.shape[1] == 1:  # one question says nothing of others
        low = high = values
    else:
        interval = bootstrap(
            (rows,),
            statistic,
            axis=-1,
            vectorized=True,
            method="percentile",
            n_resamples=resamples,
            batch=max(1, BATCH_NUMBERS // rows.size),
            confidence_level=confidence,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        low, high = interval.low, interval.high
    # The interval of a mean of equal numbers may miss it by a unit in the last place.
    return [
        Estimate(float(value), min(float(value), float(least)), max(float(value), float(most)))
        for value, least, most in zip(values, low, high, strict=True)
    ]
