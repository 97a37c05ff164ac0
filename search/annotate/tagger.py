"""Vectors of images -> their tags. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from schemas.errors import QueryError
from search.annotate.yardstick import MAX_PERCENTILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from search.annotate.yardstick import Yardstick

DEFAULT_TOP: Final = 3

DEFAULT_MIN_PERCENTILE: Final = 99.9
"""Of those that were tried on held-out photographs; see docs/annotate.md."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A label that an image has.

    Attributes:
        label: As it was given.
        score: Raw cosine of the label's and the image's vectors.
        percentile: How many percent of neutral words with typical images fit less, up to 99.99.
    """

    label: str
    score: float
    percentile: float

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, rounded to four digits."""
        return {
            "label": self.label,
            "score": round(self.score, 4),
            "percentile": round(self.percentile, 4),
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """Which labels become tags.

    Attributes:
        top: How many an image has at most, 1 or more.
        min_percentile: What each of them reaches at least, 0 to 99.99.

    Raises:
        QueryError: A value is out of its range.
    """

    top: int = DEFAULT_TOP
    min_percentile: float = DEFAULT_MIN_PERCENTILE

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.top < 1:
            raise QueryError(f"top is a whole number from 1, not {self.top!r}")
        if not 0 <= self.min_percentile <= MAX_PERCENTILE:
            raise QueryError(
                f"min_percentile is a percentile from 0 to {MAX_PERCENTILE}, not "
                f"{self.min_percentile!r}"
            )


def to_tags(
    images: NDArray[np.float32],
    labels: Sequence[str],
    vectors: NDArray[np.float32],
    yardstick: Yardstick,
    rule: Rule,
) -> list[tuple[Tag, ...]]:
    """The tags of each image, best fitting first; equal fits in the order of the labels.

    Args:
        images: Shape ``(n, dimension)``, unit rows.
        labels: Their names.
        vectors: Of the labels, a row each; see :func:`search.annotate.labels.encode_labels`.
        yardstick: Reads the scores.
        rule: Which labels become tags.
    """
    fits = yardstick.to_fits(images, vectors)
    percentiles = yardstick.to_percentiles(fits)
    cosines = np.clip(images.astype(np.float64) @ vectors.T, -1.0, 1.0)
    found = []
    for row, fit in enumerate(fits):
        best = np.argsort(-fit, kind="stable")[: rule.top]
        kept = [index for index in best if percentiles[row, index] >= rule.min_percentile]
        found.append(
            tuple(Tag(labels[i], float(cosines[row, i]), float(percentiles[row, i])) for i in kept)
        )
    return found
