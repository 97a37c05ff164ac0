"""One side of a bridge: what an encoder says of an item -> where it lies in the shared space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.bridge.gate import Gate
from ingest.encoders.bridge.maps import Map

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ingest.encoders.bridge.described import Described

    Floats = NDArray[np.float32]


class Base(StrEnum):
    """What a side gives before anything is trained."""

    NONE = "none"
    """Nothing: the map alone."""
    OWN = "own"
    """The encoder's own vector, which the map corrects: an adapter."""
    CONSE = "conse"
    """ConSE, which keeps a map honest away from its training domain."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """``v = norm(b * base(x) + m * g(x) * f(x))``, each part optional.

    Attributes:
        base: What ``base`` is.
        map: ``f``; None leaves the base alone.
        base_weight: ``b``.
        map_weight: ``m``. On an own base it is the weight of WiSE-FT (Wortsman et al. 2022): 0 is
            the encoder as it was, 1 the trained adapter, and between the two the weights of both
            are interpolated.
        unit_map: Whether ``f(x)`` is scaled to unit length first.
        conse: Of a ConSE base.
        gate: ``g``, how much of the map an item gets; None is 1 for all of them.
    """

    base: Base
    map: Map | None = None
    base_weight: float = 1.0
    map_weight: float = 1.0
    unit_map: bool = False
    conse: Conse | None = None
    gate: Gate | None = None

    def __post_init__(self) -> None:
        """Refuse a side that gives nothing.

        Raises:
            ValueError: There is neither base nor map, or a ConSE base without its classes, or a
                gate that stands between nothing, or reads other features than the map.
        """
        if self.base is Base.NONE and self.map is None:
            msg = "a side of a bridge needs a base or a map"
            raise ValueError(msg)
        if (self.base is Base.CONSE) != (self.conse is not None):
            msg = "the classes belong to a ConSE base, and it to them"
            raise ValueError(msg)
        if self.gate is None:
            return
        if self.base is Base.NONE or self.map is None:
            msg = "a gate stands between a base and a map"
            raise ValueError(msg)
        if self.gate.weight.shape != self.map.mean.shape:
            msg = "a gate reads the features that its map reads"
            raise ValueError(msg)

    def apply(self, described: Described) -> Floats:
        """Where the items lie.

        Returns:
            ``(n, d)`` float32 unit rows. A row that has no length stays so, and is refused where
            it leaves the encoder.
        """
        rows = self.to_base(described)
        if self.map is not None:
            mapped = self.map.apply(described.features)
            mapped = to_unit(mapped) if self.unit_map else mapped
            if self.gate is not None:
                mapped = self.gate.to_shares(described.features) * mapped
            rows = self.map_weight * mapped + (0 if rows is None else self.base_weight * rows)
        return to_unit(np.asarray(rows, dtype=np.float32))

    def to_base(self, described: Described) -> Floats | None:
        """The base's ``(n, d)`` unit rows; None without a base.

        Raises:
            ValueError: The encoder does not give what the base needs.
        """
        if self.base is Base.NONE:
            return None
        rows = described.own if self.base is Base.OWN else described.logits
        if rows is None:
            msg = f"the encoder gives nothing for the base {self.base}"
            raise ValueError(msg)
        return rows if self.conse is None else self.conse.apply(rows)

    def interpolated(self, map_weight: float) -> Side:
        """The same side with another weight of its map."""
        return replace(self, map_weight=map_weight)

    def to_tensors(self) -> dict[str, Floats]:
        """Its arrays by name; :meth:`from_parts` gives the side back."""
        tensors = {} if self.map is None else self.map.to_tensors()
        if self.conse is not None:
            tensors["classes"] = self.conse.classes
        if self.gate is not None:
            tensors["gate"] = self.gate.weight
        return tensors

    def to_json(self) -> dict[str, Any]:
        """What is no array."""
        return {
            "base": str(self.base),
            "base_weight": self.base_weight,
            "map_weight": self.map_weight,
            "unit_map": self.unit_map,
            "temperature": self.conse and self.conse.temperature,
            "most_classes": self.conse and self.conse.most_classes,
            **({} if self.gate is None else {"gate_threshold": self.gate.threshold}),
        }

    @classmethod
    def from_parts(cls, fields: Mapping[str, Any], tensors: Mapping[str, Floats]) -> Side:
        """The side that :meth:`to_json` and :meth:`to_tensors` described.

        Raises:
            KeyError: A part is missing.
            ValueError: They do not belong together.
        """
        conse = None
        if "classes" in tensors:
            conse = Conse(tensors["classes"], float(fields["temperature"]), fields["most_classes"])
        gate = None
        if ("gate" in tensors) != ("gate_threshold" in fields):
            msg = "a gate is a row and a threshold, and one of them is missing"
            raise ValueError(msg)
        if "gate" in tensors:
            gate = Gate(tensors["gate"], float(fields["gate_threshold"]))
        return cls(
            base=Base(fields["base"]),
            map=Map.from_tensors(tensors) if "mean" in tensors else None,
            base_weight=float(fields["base_weight"]),
            map_weight=float(fields["map_weight"]),
            unit_map=bool(fields["unit_map"]),
            conse=conse,
            gate=gate,
        )


def to_unit(rows: NDArray[np.floating]) -> Floats:
    """``(n, d)`` rows at unit length; a zero row stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)
