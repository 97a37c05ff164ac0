"""all-MiniLM-L6-v2 as one ONNX graph, from numpy weights.

The network is BERT (Devlin et al. 2019) with 6 layers of width 384 and 12 heads (MiniLM, Wang et
al. 2020), followed by the mean over the tokens and L2 normalisation, as in its
sentence-transformers configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

from ingest.encoders.hinge.onnx_build import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[Any]]

DIMENSION = 384
"""Width of the tower, and so of the space."""

_LAYERS = 6
_HEADS = 12
_HEAD_WIDTH = DIMENSION // _HEADS
_NORM_EPSILON = 1e-12
_MASKED = -1e9


def to_text_graph(weights: Weights) -> bytes:
    """Build the text tower.

    Args:
        weights: The tensors of its ``model.safetensors``, by their names there.

    Returns:
        A serialised ONNX model. Input ``ids``: ``(n, tokens)`` int64, special tokens included,
        padded with 0 (at most 512 tokens; no real token has the id 0). Output ``vectors``:
        ``(n, 384)`` float32 of unit length, which the padding does not change.
    """
    tower = _TextTower(weights)
    tower.add_body()
    inputs = [("ids", TensorProto.INT64, ("n", "tokens"))]
    return tower.graph.to_bytes("all-minilm-l6-v2", inputs, [("vectors", ("n", DIMENSION))])


class _TextTower:
    def __init__(self, weights: Weights) -> None:
        self.graph = GraphBuilder()
        self._weights = weights

    def add_body(self) -> None:
        self._add_masks()
        states = self._add_embeddings()
        for layer in range(_LAYERS):
            states = self._add_layer(states, f"encoder.layer.{layer}")
        self._add_pooling(states)

    def _add_masks(self) -> None:
        graph = self.graph
        padding = graph.weight("padding_id", np.array(0, dtype=np.int64))
        padded = graph.add("Equal", "ids", padding, name="is_padding")
        axes = graph.integers("head_axes", 1, 2)
        wide = graph.add("Unsqueeze", padded, axes, name="is_padding.wide")
        masked, kept = graph.scalar("masked", _MASKED), graph.scalar("zero", 0.0)
        graph.add("Where", wide, masked, kept, name="score_mask")
        real = graph.add("Not", padded, name="is_token")
        counted = graph.add("Cast", real, name="token_weights.flat", to=TensorProto.FLOAT)
        graph.add("Unsqueeze", counted, graph.integers("last_axis", -1), name="token_weights")

    def _add_embeddings(self) -> str:
        graph = self.graph
        words = graph.weight("words", self._weights["embeddings.word_embeddings.weight"])
        # Every token is of the first type, so its vector goes into the positions.
        places = (
            self._weights["embeddings.position_embeddings.weight"]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        count = graph.add("Shape", "ids", name="token_count", start=1, end=2)
        start, axis = graph.integers("first", 0), graph.integers("first_axis", 0)
        table = graph.weight("positions", places)
        here = graph.add("Slice", table, start, count, axis, name="positions.here")
        embedded = graph.add("Gather", words, "ids", name="embedded")
        total = graph.add("Add", embedded, here, name="embedded.sum")
        return self._add_norm(total, "embeddings.LayerNorm")

    def _add_layer(self, states: str, prefix: str) -> str:
        attended = self._add_attention(states, f"{prefix}.attention")
        states = self._add_residual(attended, states, f"{prefix}.attention.output.LayerNorm")
        wide = self._add_linear(states, f"{prefix}.intermediate.dense")
        active = self.graph.add("Gelu", wide, name=f"{prefix}.gelu")
        narrow = self._add_linear(active, f"{prefix}.output.dense")
        return self._add_residual(narrow, states, f"{prefix}.output.LayerNorm")

    def _add_attention(self, states: str, prefix: str) -> str:
        graph = self.graph
        query, key, value = (
            self._add_heads(states, f"{prefix}.self", part) for part in ("query", "key", "value")
        )
        scores = graph.add("MatMul", query, key, name=f"{prefix}.scores")
        masked = graph.add("Add", scores, "score_mask", name=f"{prefix}.masked")
        shares = graph.add("Softmax", masked, name=f"{prefix}.shares", axis=-1)
        mixed = graph.add("MatMul", shares, value, name=f"{prefix}.mixed")
        ordered = graph.add("Transpose", mixed, name=f"{prefix}.ordered", perm=[0, 2, 1, 3])
        shape = graph.integers("joined_shape", 0, 0, DIMENSION)
        joined = graph.add("Reshape", ordered, shape, name=f"{prefix}.joined")
        return self._add_linear(joined, f"{prefix}.output.dense")

    def _add_heads(self, states: str, prefix: str, part: str) -> str:
        graph, name = self.graph, f"{prefix}.{part}"
        # 1/sqrt(width) is folded into the query, where it costs nothing.
        flat = self._add_linear(states, name, _HEAD_WIDTH**-0.5 if part == "query" else 1.0)
        shape = graph.integers("head_shape", 0, 0, _HEADS, _HEAD_WIDTH)
        split = graph.add("Reshape", flat, shape, name=f"{name}.split")
        order = [0, 2, 3, 1] if part == "key" else [0, 2, 1, 3]
        return graph.add("Transpose", split, name=f"{name}.heads", perm=order)

    def _add_linear(self, states: str, name: str, scale: float = 1.0) -> str:
        graph = self.graph
        matrix = self._weights[f"{name}.weight"].T * np.float32(scale)
        bias = self._weights[f"{name}.bias"] * np.float32(scale)
        product = graph.add(
            "MatMul", states, graph.weight(f"{name}.matrix", matrix), name=f"{name}.product"
        )
        return graph.add("Add", product, graph.weight(f"{name}.bias", bias), name=f"{name}.out")

    def _add_residual(self, change: str, states: str, norm: str) -> str:
        return self._add_norm(self.graph.add("Add", change, states, name=f"{norm}.sum"), norm)

    def _add_norm(self, states: str, name: str) -> str:
        graph = self.graph
        gain = graph.weight(f"{name}.gain", self._weights[f"{name}.weight"])
        bias = graph.weight(f"{name}.bias", self._weights[f"{name}.bias"])
        return graph.add(
            "LayerNormalization", states, gain, bias, name=f"{name}.out", epsilon=_NORM_EPSILON
        )

    def _add_pooling(self, states: str) -> None:
        graph = self.graph
        # The mean's division by the count is undone by the normalisation, so a sum is enough.
        weighted = graph.add("Mul", states, "token_weights", name="weighted")
        axis = graph.integers("token_axis", 1)
        total = graph.add("ReduceSum", weighted, axis, name="total", keepdims=0)
        graph.add("LpNormalization", total, name="vectors", axis=-1, p=2)
