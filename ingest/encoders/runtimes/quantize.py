"""int8 graphs: weights quantized once, activations as they come.

The range of an activation is taken over all rows of a forward pass, so that a row would depend on
its neighbours: int8 towers are run a row at a time. That costs nothing for images and passages, as
a row has tokens enough to fill the multiplier.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

QUANTIZE_VERSION = 1
"""Raise it when graphs are quantized differently, so that kept ones are made again."""


def quantize_bytes(graph: bytes) -> bytes:
    """As :func:`quantize_graph`, for a serialised graph that holds its weights."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="diptych-") as folder:
        source, target = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        quantize_graph(source, target, has_weights_beside=False)
        return target.read_bytes()


def quantize_graph(graph: Path, target: Path, *, has_weights_beside: bool = True) -> None:
    """Write a graph whose matrix products are in int8.

    Weights are quantized by output channel; activations at run time, by tensor. (Static ranges,
    calibrated beforehand, spoil the vectors of a ViT: cosine .82.) Convolutions and embeddings
    stay float32: they are a small part of a transformer.

    Args:
        graph: A float32 graph; its weights may lie beside it.
        target: Written.
        has_weights_beside: Whether the weights of ``target`` go into ``NAME.data`` beside it.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(graph)
    # The quantizer turns Gemm into MatMul and trips over the shapes noted for its weights.
    del model.graph.value_info[:]
    root = logging.getLogger()
    level = root.level
    # It advises on the root logger to preprocess, which the exporter has done.
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            model,
            target,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=has_weights_beside,
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        root.setLevel(level)
