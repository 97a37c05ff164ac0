"""What a frozen encoder says of some items: the input of a bridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """``n`` items of one modality, as their encoder sees them.

    Attributes:
        features: ``(n, f)`` float32, the richest numbers the encoder has of them.
        own: ``(n, d)`` float32 unit rows, the encoder's own vectors; None of a classifier.
        logits: ``(n, c)`` float32 of the encoder's classes; None where it has none.
    """

    features: Floats
    own: Floats | None = None
    logits: Floats | None = None

    def __len__(self) -> int:
        """How many items."""
        return len(self.features)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Described:
        """Some of the items, in the order of ``rows``."""
        return Described(
            *(None if part is None else part[rows] for part in self.columns),  # type: ignore[arg-type]
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Described]) -> Described:
        """All of them, in order.

        Raises:
            ValueError: There is none, or they come from different encoders.
        """
        columns = zip(*(part.columns for part in parts), strict=True)
        return cls(
            *(None if column[0] is None else np.concatenate(column) for column in columns)  # type: ignore[arg-type]
        )

    @property
    def columns(self) -> tuple[Floats | None, ...]:
        """Features, own vectors and logits."""
        return self.features, self.own, self.logits
