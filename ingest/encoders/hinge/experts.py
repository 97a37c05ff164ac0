"""What treats some images in its own way: an expert for drawings, one for dishes, and their gates.

A gate says how much each image is an expert's: a mixture of experts (Jacobs et al. 1991). An image
of neither kind goes on lying where the map of photographs puts it. Weights only; what they are
multiplied with is in :mod:`ingest.encoders.hinge.bridge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.encoders.bridge.side import to_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ingest.encoders.bridge.gate import Gate

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Drawings:
    """A map for drawings beside the one for photographs: ``outer inner z + bias``.

    It is of low rank: that finds as many of the drawings by which it was chosen, in a third of the
    time.

    Attributes:
        inner: ``(rank, features)`` float32; it reads the same standardised features as the other
            map.
        outer: ``(384, rank)`` float32.
        bias: ``(384,)`` float32.
        gate: What tells drawings from photographs.
        residual: The weight of the ConSE part in a drawing.
    """

    inner: Floats
    outer: Floats
    bias: Floats
    gate: Gate
    residual: float

    def apply(self, scaled: Floats) -> Floats:
        """``(n, features)`` standardised features to ``(n, 384)`` unit rows."""
        return to_unit((scaled @ self.inner.T) @ self.outer.T + self.bias)


@dataclass(frozen=True, slots=True)
class Dishes:
    """What tells one dish from another: how it differs from dishes in general.

    Photographs of dishes are alike to a network that knows few dishes, so that all of them lean
    towards the same texts. Their mean is therefore taken away, what is left is stretched as far as
    texts about dishes differ in each direction, and the direction that such texts have in common
    is put in the place of the mean: alignment of mean and spread (as in CORAL, Sun and Saenko
    2016) of which only the spread of the texts is known well enough.

    Attributes:
        centre: ``(384,)`` float32, ``m``: the mean vector of dishes.
        spread: ``(384, 384)`` float32, symmetric, ``S``: the square root of the texts' covariance.
        common: ``(384,)`` float32, ``k``: what texts about dishes have in common, as long as it is
            to count beside a difference of length 1.
        gate: What tells dishes from everything else.
        residual: The weight of the ConSE part in a dish.
    """

    centre: Floats
    spread: Floats
    common: Floats
    gate: Gate
    residual: float

    def apply(self, vectors: Floats) -> Floats:
        """``norm(norm((v - m) S) + k)`` of ``(n, 384)`` unit rows."""
        return to_unit(to_unit((vectors - self.centre) @ self.spread) + self.common)
