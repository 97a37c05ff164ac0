"""A small builder over :mod:`onnx.helper`: nodes in order, weights by name, one output each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

OPSET = 20
"""The first opset with ``Gelu``; nothing newer is needed."""

IR_VERSION = 10
"""The IR version that goes with the opset; older runtimes refuse newer ones."""

Shape = tuple[int | str, ...]
"""Sizes of a graph input or output; a name stands for a size that may vary."""


class GraphBuilder:
    """Collects nodes and weights; methods that add a node of one output return its name."""

    def __init__(self) -> None:
        """Start with an empty graph."""
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str, values: NDArray[Any]) -> str:
        """Keep an array in the graph; the same name means the same array."""
        if name not in self._weights:
            self._weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def integers(self, name: str, *values: int) -> str:
        """Keep a small int64 vector: axes, shapes, slices."""
        return self.weight(name, np.array(values, dtype=np.int64))

    def scalar(self, name: str, value: float) -> str:
        """Keep a float32 scalar."""
        return self.weight(name, np.array(value, dtype=np.float32))

    def add(self, operator: str, *inputs: str, name: str, **attributes: Any) -> str:  # noqa: ANN401 (onnx)
        """Add a node whose only output is called ``name``."""
        node = helper.make_node(operator, list(inputs), [name], name=name, **attributes)
        self._nodes.append(node)
        return name

    def split(self, rows: str, widths: Mapping[str, int]) -> None:
        """Cut rows into parts of these widths, which go by these names."""
        sizes = self.integers(f"{rows}.widths", *widths.values())
        node = helper.make_node("Split", [rows, sizes], list(widths), name=f"{rows}.split", axis=1)
        self._nodes.append(node)

    def to_bytes(
        self,
        title: str,
        inputs: Sequence[tuple[str, int, Shape]],
        outputs: Sequence[tuple[str, Shape]],
    ) -> bytes:
        """Serialise the graph, checked; outputs are float32.

        Args:
            title: The graph's name.
            inputs: Name, ``onnx.TensorProto`` element type and shape of each.
            outputs: Name and shape of each.

        Raises:
            onnx.checker.ValidationError: The nodes do not make a graph.
        """
        graph = helper.make_graph(
            self._nodes,
            title,
            [helper.make_tensor_value_info(*described) for described in inputs],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
            list(self._weights.values()),
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
