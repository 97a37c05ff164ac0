"""The bridge: what maps an image's features and class logits into the text space.

``v = norm(norm(W z + b) + a * norm(softmax(logits / T) C))``, with ``z`` the standardised features.
The first part is DeViSE's linear map (Frome et al. 2013), the second is ConSE (Norouzi et al.
2014): the image's probable ImageNet classes, each a text vector, averaged. It keeps the map honest
away from its training domain.

Since ``hinge-en-2`` there is a second map for drawings, and ``g = sigmoid(u z + c)`` says how much
of one an image is: a mixture of two experts (Jacobs et al. 1991). The first part is then
``(1 - g) norm(W z + b) + g norm(W' z + b')``, and ``a`` lies as far between the weights of both.
A photograph goes on lying where the first map alone would put it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.catalogue import HINGE_MODEL_ID
from schemas.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BridgeFile:
    """Committed weights, beside this module.

    Attributes:
        name: Of the file.
        blake3_hex: BLAKE3 of the whole file, hexadecimal.
    """

    name: str
    blake3_hex: str

    @property
    def revision(self) -> str:
        """The revision of the model whose weights they are."""
        return f"blake3:{self.blake3_hex}"


BRIDGE_FILES: Mapping[str, BridgeFile] = {
    HINGE_MODEL_ID: BridgeFile(
        "hinge-en-2.safetensors",
        "898b6dfcfb831a16e5a806270e72dfef8aa94da537c290c93874d41bbb0a43c0",
    ),
    "hinge-en-1": BridgeFile(
        "hinge-en-1.safetensors",
        "be208890aeafa28cbf96c365b858562f985c4496661dc826ea557b2bb67f59d1",
    ),
}
"""The weights of every hinge; one for each of :data:`~ingest.encoders.catalogue.HINGE_MODELS`."""


@dataclass(frozen=True, slots=True)
class Drawings:
    """The expert for drawings, and what tells them from photographs.

    Attributes:
        weight: ``(384, features)`` float32, the linear map; it reads the same standardised features
            as the other one.
        bias: ``(384,)`` float32.
        gate: ``(features,)`` float32, ``u``: how much each feature speaks for a drawing.
        threshold: ``c``.
        residual: The weight of the ConSE part in a drawing.
    """

    weight: Floats
    bias: Floats
    gate: Floats
    threshold: float
    residual: float


@dataclass(frozen=True, slots=True)
class Bridge:
    """The trained map with everything that goes with it.

    Attributes:
        mean: ``(features,)`` float32, subtracted from the features.
        scale: ``(features,)`` float32, what the difference is divided by; positive.
        weight: ``(384, features)`` float32, the linear map.
        bias: ``(384,)`` float32.
        classes: ``(1000, 384)`` float32, text vectors of the ImageNet classes, centred.
        temperature: ``T``, by which the logits are divided.
        residual: ``a``, the weight of the ConSE part.
        drawings: The second expert; None where every image is treated alike.
    """

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats
    classes: Floats
    temperature: float
    residual: float
    drawings: Drawings | None = None

    def to_vectors(self, features: Floats, logits: Floats) -> Floats:
        """The formula in numpy; the image tower has it in its graph.

        Args:
            features: ``(n, features)`` float32.
            logits: ``(n, 1000)`` float32.

        Returns:
            ``(n, 384)`` float32 unit rows.
        """
        scaled = np.asarray((features - self.mean) / self.scale, dtype=np.float32)
        mapped = _to_unit(scaled @ self.weight.T + self.bias)
        conse = Conse(self.classes, self.temperature).apply(logits)
        photograph = mapped + np.float32(self.residual) * conse
        if self.drawings is None:
            return _to_unit(photograph)
        drawn = self.drawings
        drawing = _to_unit(scaled @ drawn.weight.T + drawn.bias)
        drawing = drawing + np.float32(drawn.residual) * conse
        # The same as 1 / (1 + exp(-x)), which overflows.
        share = (1 + np.tanh((scaled @ drawn.gate + drawn.threshold)[:, None] / 2)) / 2
        return _to_unit(photograph + share.astype(np.float32) * (drawing - photograph))

    def to_bytes(self, provenance: dict[str, str]) -> bytes:
        """Serialise as safetensors, the matrices in float16, the same bytes every time."""
        from safetensors.numpy import save

        half = {"weight": self.weight, "classes": self.classes}
        whole = {
            "mean": self.mean,
            "scale": self.scale,
            "bias": self.bias,
            "mixture": np.array([self.temperature, self.residual]),
        }
        if self.drawings is not None:
            drawn = self.drawings
            half["drawings.weight"] = drawn.weight
            whole |= {
                "drawings.bias": drawn.bias,
                "drawings.gate": drawn.gate,
                "drawings.mixture": np.array([drawn.threshold, drawn.residual]),
            }
        tensors: dict[str, NDArray[Any]] = {
            # In order: safetensors writes numbers as they lie in memory.
            **{name: values.astype(np.float16, order="C") for name, values in half.items()},
            **{name: values.astype(np.float32, order="C") for name, values in whole.items()},
        }
        # One entry: safetensors writes several in another order each time.
        told = json.dumps(provenance, sort_keys=True)
        return bytes(save(tensors, metadata={"provenance": told}))

    @classmethod
    def from_bytes(cls, content: bytes) -> Bridge:
        """The bridge that :meth:`to_bytes` wrote, in float32.

        Raises:
            safetensors.SafetensorError: It is not a safetensors file.
            KeyError: A tensor is missing.
        """
        from safetensors.numpy import load

        tensors = {name: values.astype(np.float32) for name, values in load(content).items()}
        temperature, residual = tensors.pop("mixture").tolist()
        drawings = None
        if "drawings.weight" in tensors:
            weight, bias, gate, (threshold, own) = (
                tensors.pop(f"drawings.{name}") for name in ("weight", "bias", "gate", "mixture")
            )
            drawings = Drawings(weight, bias, gate, float(threshold), float(own))
        return cls(**tensors, temperature=temperature, residual=residual, drawings=drawings)


@cache
def load_bridge(model: str = HINGE_MODEL_ID) -> Bridge:
    """The committed weights of a hinge, with their hash checked; read once.

    Raises:
        ModelUnavailable: The file is missing or is another one; Diptych should be reinstalled.
    """
    from blake3 import blake3

    advice = "the installation of diptych is damaged; install it again"
    weights = BRIDGE_FILES[model]
    file = files("ingest.encoders.hinge") / weights.name
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"{model}: {file} cannot be read ({error}): {advice}") from error
    found = blake3(content).hexdigest()
    if found != weights.blake3_hex:
        raise ModelUnavailable(
            f"{model}: {file} has blake3 {found}, expected {weights.blake3_hex}: {advice}"
        )
    return Bridge.from_bytes(content)


def _to_unit(rows: NDArray[np.floating]) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
