"""How many rows go through a tower at once: grown while memory lasts, halved when it does not."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.runtimes.tower import TowerOutOfMemory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.encoders.runtimes.tower import Features, Tower


class ForwardBatch:
    """Sizes the forward passes of one tower.

    A full pass that succeeds doubles the size up to ``most_rows``. One that runs out of memory
    halves it, the same rows are tried again in halves, and the size that failed is never tried
    again. May be used from several threads.

    Args:
        rows: Rows of the first passes.
        most_rows: The largest size to grow to; ``rows`` for none.

    Attributes:
        rows: Rows of the next pass, at most.
    """

    def __init__(self, rows: int, most_rows: int) -> None:
        """Start at a size."""
        self.rows = rows
        self._most_rows = most_rows
        self._lock = Lock()

    def run(self, tower: Tower, features: Features) -> NDArray[np.float32]:
        """The rows of the features, in as many passes as memory asks for.

        Raises:
            TowerOutOfMemory: Not even one row fits.
        """
        count = count_rows(features)
        try:
            rows = tower(features)
        except TowerOutOfMemory:
            if count == 1:
                raise
            self._shrink(count)
        else:
            self._grow(count)
            return rows
        # Outside of the handler, which would keep the failed pass's tensors alive.
        middle = (count + 1) // 2
        parts = (take_rows(features, 0, middle), take_rows(features, middle, count))
        return np.concatenate([self.run(tower, part) for part in parts])

    def _shrink(self, failed: int) -> None:
        with self._lock:
            self._most_rows = max(1, min(self._most_rows, failed // 2))
            self.rows = min(self.rows, self._most_rows)

    def _grow(self, passed: int) -> None:
        with self._lock:
            if passed >= self.rows:
                self.rows = min(2 * self.rows, self._most_rows)


def count_rows(features: Features) -> int:
    """How many rows the features have."""
    return max(len(value) for value in features.values() if hasattr(value, "shape"))


def take_rows(features: Features, start: int, stop: int) -> Features:
    """The features of some of the rows; what is no array goes along as it is."""
    return {
        name: value[start:stop] if hasattr(value, "shape") else value
        for name, value in features.items()
    }
