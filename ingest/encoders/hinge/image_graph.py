"""EfficientNet-Lite2 and the bridge as one ONNX graph, from numpy weights.

The network is the one of Tan and Le's EfficientNet (2019) in its "Lite" form (TensorFlow's
``efficientnet/lite``): no squeeze-and-excitation, ReLU6, width 1.1, depth 1.2, with TensorFlow's
"same" padding, which puts the odd pixel last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

from ingest.encoders.hinge.bridge_graph import add_bridge
from ingest.encoders.hinge.onnx_build import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge
    from ingest.encoders.hinge.onnx_build import Shape

    Weights = Mapping[str, NDArray[Any]]

IMAGE_SIZE_PIXELS = 260
"""Side of the square that Lite2 was trained for."""

_PIXEL_MEAN = 127.0
_PIXEL_SCALE = 128.0
_BATCH_NORM_EPSILON = 1e-3

# Kernel, stride, expansion, input and output channels and count of each stage, after scaling.
_STAGES = (
    (3, 1, 1, 32, 16, 1),
    (3, 2, 6, 16, 24, 3),
    (5, 2, 6, 24, 48, 3),
    (3, 2, 6, 48, 88, 4),
    (5, 1, 6, 88, 120, 4),
    (5, 2, 6, 120, 208, 5),
    (3, 1, 6, 208, 352, 1),
)

_TAPS = (10, 14, 19, 20)
"""Blocks whose outputs' spatial means are features, besides the head's: the ends of the last four
stages. What an image shows is spread over several layers; the head alone knows its class."""

FEATURES = 88 + 120 + 208 + 352 + 1280
"""How many features an image has: the channels of the taps and of the head."""


@dataclass(frozen=True, slots=True)
class _Block:
    """One inverted bottleneck (MobileNetV2): expand, filter each channel, project."""

    prefix: str
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int

    @property
    def has_residual(self) -> bool:
        return self.stride == 1 and self.inputs == self.outputs


def _iter_blocks() -> Iterator[_Block]:
    index = 0
    for kernel, stride, expansion, inputs, outputs, count in _STAGES:
        for nth in range(count):
            width, step = (inputs, stride) if nth == 0 else (outputs, 1)
            yield _Block(f"_blocks.{index}", kernel, step, expansion, width, outputs)
            index += 1


def to_image_graph(weights: Weights, bridge: Bridge | None = None) -> bytes:
    """Build the image tower.

    Args:
        weights: The state dict of the network, by the names of ``efficientnet_lite_pytorch``.
        bridge: The map into the text space; without it the graph ends at the features and logits,
            which is what training reads.

    Returns:
        A serialised ONNX model. Input ``pixels``: ``(n, 260, 260, 3)`` uint8, RGB. Outputs,
        float32: ``features`` ``(n, FEATURES)``, ``logits`` ``(n, 1000)`` over the ImageNet classes
        and, with a bridge, ``vectors`` ``(n, 384)`` of unit length.
    """
    builder = _ImageBuilder(weights)
    builder.add_body()
    outputs: list[tuple[str, Shape]] = [("features", ("n", FEATURES)), ("logits", ("n", 1000))]
    if bridge is not None:
        add_bridge(builder.graph, bridge)
        outputs.append(("vectors", ("n", bridge.bias.size)))
    side = IMAGE_SIZE_PIXELS
    inputs = [("pixels", TensorProto.UINT8, ("n", side, side, 3))]
    return builder.graph.to_bytes("efficientnet-lite2", inputs, outputs)


class _ImageBuilder:
    """Adds the network to a graph, from ``pixels`` to ``features`` and ``logits``."""

    def __init__(self, weights: Weights) -> None:
        self.graph = GraphBuilder()
        self._weights = weights
        self._side = IMAGE_SIZE_PIXELS

    def add_body(self) -> None:
        image = self._add_pixels("pixels")
        image = self._add_convolution(image, "_conv_stem", "_bn0", kernel=3, stride=2)
        image = self._clip(image, "stem")
        outputs = []
        for block in _iter_blocks():
            image = self._add_block(image, block)
            outputs.append(image)
        image = self._clip(self._add_convolution(image, "_conv_head", "_bn1", kernel=1), "head")
        head = self._add_mean(image)
        pooled = [self._add_mean(outputs[tap]) for tap in _TAPS]
        self.graph.add("Concat", *pooled, head, name="features", axis=1)
        self._add_classifier(head)

    def _add_pixels(self, pixels: str) -> str:
        graph = self.graph
        # Transposed while one byte a pixel. The scale is folded into the stem; the mean cannot be,
        # as the padding that follows is zero after it was subtracted. Read as quantised numbers of
        # scale 1 whose zero is the mean, pixels become floats and lose it in one step.
        planes = graph.add("Transpose", pixels, name="planes", perm=[0, 3, 1, 2])
        mean = graph.weight("pixel_mean", np.array(_PIXEL_MEAN, dtype=np.uint8))
        return graph.add("DequantizeLinear", planes, graph.scalar("one", 1.0), mean, name="centred")

    def _add_block(self, image: str, block: _Block) -> str:
        prefix, shortcut = block.prefix, image
        if block.expansion != 1:
            image = self._add_convolution(
                image, f"{prefix}._expand_conv", f"{prefix}._bn0", kernel=1
            )
            image = self._clip(image, f"{prefix}.expanded")
        image = self._add_convolution(
            image,
            f"{prefix}._depthwise_conv",
            f"{prefix}._bn1",
            kernel=block.kernel,
            stride=block.stride,
            groups=block.inputs * block.expansion,
        )
        image = self._clip(image, f"{prefix}.filtered")
        image = self._add_convolution(image, f"{prefix}._project_conv", f"{prefix}._bn2", kernel=1)
        if block.has_residual:
            image = self.graph.add("Add", image, shortcut, name=f"{prefix}.sum")
        return image

    def _add_convolution(
        self, image: str, name: str, norm: str, *, kernel: int, stride: int = 1, groups: int = 1
    ) -> str:
        filters, bias = self._folded(name, norm)
        return self.graph.add(
            "Conv",
            image,
            self.graph.weight(f"{name}.weight", filters),
            self.graph.weight(f"{name}.bias", bias),
            name=f"{name}.out",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            group=groups,
            pads=self._same_pads(kernel, stride),
        )

    def _folded(self, name: str, norm: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Filters and bias with the batch normalisation that follows multiplied in."""
        wide = {
            part: self._weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        }
        gain = wide["weight"] / np.sqrt(wide["running_var"] + _BATCH_NORM_EPSILON)
        filters = self._weights[f"{name}.weight"] * gain[:, None, None, None]
        if name == "_conv_stem":
            filters /= _PIXEL_SCALE
        bias = wide["bias"] - wide["running_mean"] * gain
        return filters.astype(np.float32), bias.astype(np.float32)

    def _same_pads(self, kernel: int, stride: int) -> list[int]:
        side = -(-self._side // stride)
        total = max((side - 1) * stride + kernel - self._side, 0)
        self._side = side
        before, after = total // 2, total - total // 2
        return [before, before, after, after]

    def _clip(self, image: str, name: str) -> str:
        low, high = self.graph.scalar("zero", 0.0), self.graph.scalar("six", 6.0)
        return self.graph.add("Clip", image, low, high, name=name)

    def _add_mean(self, image: str) -> str:
        mean = self.graph.add("GlobalAveragePool", image, name=f"{image}.mean")
        return self.graph.add("Flatten", mean, name=f"{image}.pooled")

    def _add_classifier(self, pooled: str) -> None:
        graph = self.graph
        weight = graph.weight("_fc.weight", self._weights["_fc.weight"])
        bias = graph.weight("_fc.bias", self._weights["_fc.bias"])
        graph.add("Gemm", pooled, weight, bias, name="logits", transB=1)
