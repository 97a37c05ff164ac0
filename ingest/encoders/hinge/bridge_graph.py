"""The formula of :mod:`ingest.encoders.hinge.bridge` as nodes of an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.encoders.bridge.gate import Gate
    from ingest.encoders.hinge.bridge import Bridge
    from ingest.encoders.hinge.experts import Dishes, Drawings
    from ingest.encoders.hinge.onnx_build import GraphBuilder

    Floats = NDArray[np.float32]


def add_bridge(graph: GraphBuilder, bridge: Bridge) -> None:
    """Add it to a graph that has ``features`` and ``logits``; what it gives is ``vectors``."""
    _BridgeBuilder(graph, bridge).add()


class _BridgeBuilder:
    """Adds the map, ConSE and the experts."""

    def __init__(self, graph: GraphBuilder, bridge: Bridge) -> None:
        self._graph = graph
        self._bridge = bridge

    def add(self) -> None:
        graph, bridge = self._graph, self._bridge
        self._add_projections()
        conse = self._add_conse()
        mapped = self._add_unit("mapped")
        mixed, residual = mapped, graph.scalar("residual", bridge.residual)
        if bridge.drawings is not None:
            mixed, residual = self._add_drawings(bridge.drawings, mapped, residual)
        vectors = self._add_weighted(mixed, conse, residual, "mixed")
        if bridge.dishes is not None:
            own = graph.scalar("dishes.residual", bridge.dishes.residual)
            dish = self._add_weighted(mapped, conse, own, "dishes.mixed")
            vectors = self._add_dishes(bridge.dishes, vectors, dish)
        graph.add("Identity", vectors, name="vectors")

    def _add_projections(self) -> None:
        """Everything that reads the features, standardising included: one product is quickest."""
        bridge = self._bridge
        parts = {"mapped": (bridge.weight, bridge.bias)}
        if bridge.drawings is not None:
            inner = bridge.drawings.inner
            parts["drawings.inner"] = inner, np.zeros(len(inner), dtype=np.float32)
            parts["drawings.asked"] = _to_layer(bridge.drawings.gate)
        if bridge.dishes is not None:
            parts["dishes.asked"] = _to_layer(bridge.dishes.gate)
        weight, bias = (np.concatenate(part) for part in zip(*parts.values(), strict=True))
        # W (x - m) / s + b = (W / s) x + (b - (W / s) m), summed up in double precision.
        weight = weight.astype(np.float64) / bridge.scale
        bias = (bias - weight @ bridge.mean).astype(np.float32)
        graph = self._graph
        kept = graph.weight("bridge", weight.astype(np.float32))
        every = graph.add(
            "Gemm", "features", kept, graph.weight("bias", bias), name="projected", transB=1
        )
        graph.split(every, {name: len(own) for name, (_, own) in parts.items()})

    def _add_conse(self) -> str:
        graph = self._graph
        temperature = graph.scalar("temperature", self._bridge.temperature)
        softened = graph.add("Div", "logits", temperature, name="softened")
        likelihood = graph.add("Softmax", softened, name="likelihood", axis=-1)
        classes = graph.weight("classes", self._bridge.classes)
        return self._add_unit(graph.add("MatMul", likelihood, classes, name="conse"))

    def _add_weighted(self, first: str, conse: str, residual: str, name: str) -> str:
        weighted = self._graph.add("Mul", conse, residual, name=f"{name}.weighted")
        return self._add_unit(self._graph.add("Add", first, weighted, name=name))

    def _add_drawings(self, drawings: Drawings, mapped: str, residual: str) -> tuple[str, str]:
        """Mix the mapped vector and the residual's weight with those for drawings, by the gate."""
        graph = self._graph
        share = graph.add("Sigmoid", "drawings.asked", name="drawings.share")
        outer = graph.weight("drawings.outer", drawings.outer)
        bias = graph.weight("drawings.bias", drawings.bias)
        as_drawing = graph.add("Gemm", "drawings.inner", outer, bias, name="drawn", transB=1)
        drawn = self._add_unit(as_drawing)
        own = graph.scalar("drawings.residual", drawings.residual)
        return self._add_between(mapped, drawn, share), self._add_between(residual, own, share)

    def _add_dishes(self, dishes: Dishes, vectors: str, dish: str) -> str:
        """Mix the vectors with what the expert makes of them as dishes, by the gate."""
        graph = self._graph
        spread = graph.weight("dishes.spread", dishes.spread)
        shift = graph.weight("dishes.shift", -dishes.centre @ dishes.spread)
        apart = self._add_unit(graph.add("Gemm", dish, spread, shift, name="dishes.apart"))
        common = graph.weight("dishes.common", dishes.common)
        own = self._add_unit(graph.add("Add", apart, common, name="dishes.own"))
        share = graph.add("Sigmoid", "dishes.asked", name="dishes.share")
        return self._add_unit(self._add_between(vectors, own, share))

    def _add_between(self, first: str, second: str, share: str) -> str:
        graph = self._graph
        gap = graph.add("Sub", second, first, name=f"{second}.gap")
        part = graph.add("Mul", gap, share, name=f"{second}.part")
        return graph.add("Add", first, part, name=f"{second}.between")

    def _add_unit(self, rows: str) -> str:
        return self._graph.add("LpNormalization", rows, name=f"{rows}.unit", axis=-1, p=2)


def _to_layer(gate: Gate) -> tuple[Floats, Floats]:
    return gate.weight[None], np.array([gate.threshold], dtype=np.float32)
