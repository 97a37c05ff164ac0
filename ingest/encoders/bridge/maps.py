"""What is trained: a map of features into the shared space, applied by numpy alone.

``f(z) = [W z] + [V relu(U z + c)] + b``. With the first part alone it is linear, with the second
alone a multilayer perceptron with one hidden layer, with both residual: a linear map and what a
hidden layer adds to it, as in a residual block (He et al. 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """The hidden layer.

    Attributes:
        inner: ``(h, f)`` float32, ``U``.
        inner_bias: ``(h,)`` float32, ``c``.
        outer: ``(d, h)`` float32, ``V``.
    """

    inner: Floats
    inner_bias: Floats
    outer: Floats

    def apply(self, inputs: Floats) -> Floats:
        """``(n, f)`` to ``(n, d)`` float32."""
        active = np.maximum(inputs @ self.inner.T + self.inner_bias, 0)
        return np.asarray(active @ self.outer.T, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Standardises features and maps them.

    Attributes:
        mean: ``(f,)`` float32, subtracted first.
        scale: ``(f,)`` float32, positive, what the difference is divided by.
        bias: ``(d,)`` float32.
        weight: ``(d, f)`` float32, ``W``; None of a perceptron.
        hidden: The hidden layer; None of a linear map.
    """

    mean: Floats
    scale: Floats
    bias: Floats
    weight: Floats | None
    hidden: Hidden | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: Their shapes do not fit.
        """
        whole, outcome = self.mean.shape, self.bias.shape
        fits = self.scale.shape == whole
        if self.weight is not None:
            fits &= self.weight.shape == outcome + whole
        if self.hidden is not None:
            layer = self.hidden.inner_bias.shape
            fits &= self.hidden.inner.shape == layer + whole
            fits &= self.hidden.outer.shape == outcome + layer
        if not fits:
            msg = "the arrays of a map are not of one map: their shapes do not fit"
            raise ValueError(msg)

    def apply(self, features: Floats) -> Floats:
        """``(n, f)`` to ``(n, d)`` float32, of any length."""
        inputs = self.standardise(features)
        rows = np.broadcast_to(self.bias, (len(inputs), len(self.bias)))
        if self.weight is not None:
            rows = rows + inputs @ self.weight.T
        if self.hidden is not None:
            rows = rows + self.hidden.apply(inputs)
        return np.asarray(rows, dtype=np.float32)

    def standardise(self, features: Floats) -> Floats:
        """``(n, f)`` features as the map sees them."""
        return np.asarray((features - self.mean) / self.scale, dtype=np.float32)

    def to_tensors(self) -> dict[str, Floats]:
        """Its arrays by name; :meth:`from_tensors` gives the map back."""
        tensors = {"mean": self.mean, "scale": self.scale, "bias": self.bias}
        if self.weight is not None:
            tensors["weight"] = self.weight
        if self.hidden is not None:
            inner, inner_bias, outer = self.hidden.inner, self.hidden.inner_bias, self.hidden.outer
            tensors |= {"inner": inner, "inner_bias": inner_bias, "outer": outer}
        return tensors

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Floats]) -> Map:
        """The map that :meth:`to_tensors` took apart.

        Raises:
            KeyError: An array is missing.
        """
        hidden = None
        if "inner" in tensors:
            hidden = Hidden(tensors["inner"], tensors["inner_bias"], tensors["outer"])
        return cls(
            tensors["mean"], tensors["scale"], tensors["bias"], tensors.get("weight"), hidden
        )
