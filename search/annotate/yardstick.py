"""How well a label must fit an image before it says anything. Pure.

A cosine by itself says little: some images lie near to all words, some words near to all images.
So a label is compared with neutral words on the same image, after the average image has been taken
away. What is then called a high score is read off from neutral words on many images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_IMAGES: Final = 8
"""Fewer have no average worth taking away; as for a collection's background."""

MOST_IMAGES: Final = 512
"""Images that are looked at: a mean of unit vectors is then off by at most 1/sqrt(512) = 0.04."""

MAX_PERCENTILE: Final = 99.99

_LEAST_DEVIATION = 1e-9


class Yardstick:
    """Reads scores of labels with images.

    The fit of a label w and an image x is ``(x - m)·(w - n) / s``: m the average image, n the
    average neutral word, s the standard deviation of ``(x - m)·(v - n)`` over the neutral words v.
    It is how many deviations the label lies above what words do on average with this image.

    Args:
        images: Shape ``(n, dimension)``, unit rows: typical images, at least one. Of fewer than
            ``FEWEST_IMAGES`` the average is not taken away.
        words: Shape ``(m, dimension)``, unit rows: the neutral words, at least two.

    Raises:
        ValueError: There are too few of either.
    """

    def __init__(self, images: NDArray[np.float32], words: NDArray[np.float32]) -> None:
        """Measure the neutral words on the images."""
        if len(images) < 1 or len(words) < 2:  # noqa: PLR2004 - as documented
            msg = f"{len(images)} images and {len(words)} neutral words are too few to measure by"
            raise ValueError(msg)
        has_average = len(images) >= FEWEST_IMAGES
        self._image_mean: Floats = images.mean(axis=0, dtype=np.float64) * has_average
        self._word_mean: Floats = words.mean(axis=0, dtype=np.float64)
        self._words: Floats = words - self._word_mean
        scores, deviations = self._to_neutral(images)
        self._neutral: Floats = np.sort((scores / deviations).ravel())

    def to_fits(self, images: NDArray[np.float32], labels: NDArray[np.float32]) -> Floats:
        """The fit of every label with every image, shape ``(len(images), len(labels))``.

        Args:
            images: Unit rows.
            labels: Unit rows.
        """
        scores = (images - self._image_mean) @ (labels - self._word_mean).T
        return np.asarray(scores / self._to_neutral(images)[1])

    def to_percentiles(self, fits: Floats) -> Floats:
        """How many percent of neutral words with typical images fit less; up to 99.99."""
        places = np.searchsorted(self._neutral, fits)
        return np.minimum(100.0 * places / len(self._neutral), MAX_PERCENTILE)

    def _to_neutral(self, images: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """The neutral words' scores, and their deviation for each image, as a column."""
        scores = (images - self._image_mean) @ self._words.T
        deviations = scores.std(axis=1, keepdims=True)
        return scores, np.maximum(deviations, _LEAST_DEVIATION)
