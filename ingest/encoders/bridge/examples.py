"""What training reads: both sides of the pairs, as the frozen encoders described them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.encoders.bridge.described import Described


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Images and the texts that belong to them.

    Attributes:
        images: ``n`` images.
        texts: ``m`` texts, each once.
        owned: ``(n, k)`` int64: rows of ``texts`` that belong to each image, filled up with -1 at
            the end; each image has at least one.
    """

    images: Described
    texts: Described
    owned: NDArray[np.int64]

    def __len__(self) -> int:
        """How many images."""
        return len(self.images)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Examples:
        """Some of the images, in the order of ``rows``, with their own texts alone."""
        kept, owned = renumber(self.owned[rows])
        return Examples(self.images.take(rows), self.texts.take(kept), owned)


def renumber(owned: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows of the texts still belong to an image, and their places among these.

    Args:
        owned: ``(n, k)``, as :attr:`Examples.owned`.

    Returns:
        ``(m,)`` rows in order, and ``(n, k)`` places, -1 where there was none.
    """
    kept, places = np.unique(owned[owned >= 0], return_inverse=True)
    renumbered = np.full_like(owned, -1)
    renumbered[owned >= 0] = places
    return kept, renumbered
