"""One side of a bridge while gradients train it; needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.maps import Hidden, Map
from ingest.encoders.bridge.recipe import MapKind
from ingest.encoders.bridge.side import Base

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    import torch

    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.side import Side
    from ingest.encoders.bridge.start import Start

    Parameters = Mapping[str, torch.Tensor]

_SMALL: Final = 0.01
"""Deviation of a linear map's first weights."""

_ROWS_AT_ONCE: Final = 4096


class Trainable:
    """What does not change while a side is trained; its parameters are given to each call.

    Args:
        start: The side before.
        described: Its training items.
        width: Dimension of the shared space.
        hidden: Width of a hidden layer.
        dropout: Share of the features that a step does not see.
    """

    def __init__(
        self, start: Start, described: Described, *, width: int, hidden: int, dropout: float
    ) -> None:
        """Standardise the features and compute the bases, once."""
        import torch

        self._start = start
        self._width, self._hidden, self._dropout = width, hidden, dropout
        self.count = len(described)
        self._inputs: torch.Tensor | None = None
        if start.kind is not MapKind.NONE:
            inputs = (described.features - start.mean) / start.scale
            self._inputs = torch.from_numpy(inputs.astype(np.float32, copy=False))
        base = start.to_base(described)
        self._base: torch.Tensor | None = None if base is None else torch.from_numpy(base)

    def create(self, random: torch.Generator) -> dict[str, torch.Tensor]:
        """First parameters; on an own base they map everything to zero."""
        import torch

        if self._inputs is None:
            return {}
        features, width, hidden = self._inputs.shape[1], self._width, self._hidden
        small = 0.0 if self._start.base is Base.OWN else _SMALL
        created = {"bias": torch.zeros(width)}
        if self._start.kind is not MapKind.MLP:
            created["weight"] = torch.randn(width, features, generator=random) * small
        if self._start.kind is not MapKind.LINEAR:
            inner = torch.randn(hidden, features, generator=random)
            created["inner"] = inner * (2 / max(1, features)) ** 0.5
            created["inner_bias"] = torch.zeros(hidden)
            created["outer"] = torch.randn(width, hidden, generator=random) * small
        return created

    def forward(
        self, parameters: Parameters, rows: torch.Tensor, random: torch.Generator | None = None
    ) -> torch.Tensor:
        """``(len(rows), d)`` unit rows of items; with random numbers, under dropout."""
        import torch
        from torch.nn.functional import normalize

        parts = [] if self._base is None else [self._base[rows]]
        if self._inputs is not None:
            mapped = _apply(parameters, self._drop(self._inputs[rows], random))
            parts.append(normalize(mapped, dim=1) if self._start.unit_map else mapped)
        return normalize(torch.stack(parts).sum(dim=0), dim=1)

    def forward_all(self, parameters: Parameters) -> torch.Tensor:
        """``(n, d)`` unit rows of every item, a part of them at a time."""
        import torch

        parts = torch.split(torch.arange(self.count), _ROWS_AT_ONCE)
        return torch.cat([self.forward(parameters, rows) for rows in parts])

    def _drop(self, inputs: torch.Tensor, random: torch.Generator | None) -> torch.Tensor:
        import torch

        if random is None or not self._dropout:
            return inputs
        kept = torch.rand(inputs.shape, generator=random) >= self._dropout
        return inputs * kept / (1 - self._dropout)

    def to_side(self, parameters: Parameters) -> Side:
        """The side with these parameters; without any, what it was before training."""
        return self._start.to_side(self._to_map(parameters) if parameters else None)

    def _to_map(self, parameters: Parameters) -> Map:
        arrays = {name: value.detach().numpy().copy() for name, value in parameters.items()}
        hidden = None
        if "inner" in arrays:
            hidden = Hidden(arrays["inner"], arrays["inner_bias"], arrays["outer"])
        start = self._start
        return Map(start.mean, start.scale, arrays["bias"], arrays.get("weight"), hidden)


def _apply(parameters: Parameters, inputs: torch.Tensor) -> torch.Tensor:
    """What :meth:`ingest.encoders.bridge.maps.Map.apply` computes of standardised features."""
    mapped = parameters["bias"]
    if "weight" in parameters:
        mapped = mapped + inputs @ parameters["weight"].T
    if "inner" in parameters:
        active = (inputs @ parameters["inner"].T + parameters["inner_bias"]).relu()
        mapped = mapped + active @ parameters["outer"].T
    return mapped
