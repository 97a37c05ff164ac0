"""The bridge: what maps an image's features and class logits into the text space.

``v = norm(norm(W z + b) + a * norm(softmax(logits / T) C))``, with ``z`` the standardised features.
The first part is DeViSE's linear map (Frome et al. 2013), the second is ConSE (Norouzi et al.
2014): the image's probable ImageNet classes, each a text vector, averaged. It keeps the map honest
away from its training domain.

Since ``hinge-en-2`` there are two experts (:mod:`ingest.encoders.hinge.experts`), each with a gate
that says how much an image is its own. With the share ``g`` of drawings the first part is
``(1 - g) norm(W z + b) + g norm(B A z + b')``, and ``a`` lies as far between the weights of both.
Of that vector, ``v``, and of what the expert for dishes makes of the photograph, ``d``, the share
``f`` of dishes gives ``norm((1 - f) v + f d)``. What is neither drawing nor dish goes on lying
where the first map alone would put it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.bridge.gate import Gate
from ingest.encoders.bridge.side import to_unit
from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.encoders.hinge.experts import Dishes, Drawings
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
        "483c010cc144a72b37b258262a5a9ada3ee57b5832f7ff347f666a4771fe2fff",
    ),
    "hinge-en-1": BridgeFile(
        "hinge-en-1.safetensors",
        "be208890aeafa28cbf96c365b858562f985c4496661dc826ea557b2bb67f59d1",
    ),
}
"""The weights of every hinge; one for each of :data:`~ingest.encoders.catalogue.HINGE_MODELS`."""


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
        drawings: The expert for drawings; None where they are treated like photographs.
        dishes: The expert for dishes; None likewise.
    """

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats
    classes: Floats
    temperature: float
    residual: float
    drawings: Drawings | None = None
    dishes: Dishes | None = None

    def to_vectors(self, features: Floats, logits: Floats) -> Floats:
        """The formula in numpy; the image tower has it in its graph.

        Args:
            features: ``(n, features)`` float32.
            logits: ``(n, 1000)`` float32.

        Returns:
            ``(n, 384)`` float32 unit rows.
        """
        scaled = np.asarray((features - self.mean) / self.scale, dtype=np.float32)
        mapped = to_unit(scaled @ self.weight.T + self.bias)
        conse = Conse(self.classes, self.temperature).apply(logits)
        mixed = mapped + np.float32(self.residual) * conse
        if self.drawings is not None:
            drawn = self.drawings
            drawing = drawn.apply(scaled) + np.float32(drawn.residual) * conse
            mixed = mixed + drawn.gate.to_shares(scaled) * (drawing - mixed)
        vectors = to_unit(mixed)
        if self.dishes is None:
            return vectors
        dish = self.dishes.apply(to_unit(mapped + np.float32(self.dishes.residual) * conse))
        return to_unit(vectors + self.dishes.gate.to_shares(scaled) * (dish - vectors))

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
            half["drawings.inner"] = self.drawings.inner
            half["drawings.outer"] = self.drawings.outer
            whole["drawings.bias"] = self.drawings.bias
            whole |= _gate_to_tensors("drawings", self.drawings)
        if self.dishes is not None:
            half["dishes.spread"] = self.dishes.spread
            whole["dishes.centre"] = self.dishes.centre
            whole["dishes.common"] = self.dishes.common
            whole |= _gate_to_tensors("dishes", self.dishes)
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
        drawings = dishes = None
        if "drawings.inner" in tensors:
            drawings = Drawings(**_pop_expert(tensors, "drawings", "inner", "outer", "bias"))
        if "dishes.spread" in tensors:
            dishes = Dishes(**_pop_expert(tensors, "dishes", "centre", "spread", "common"))
        return cls(
            **tensors,
            temperature=temperature,
            residual=residual,
            drawings=drawings,
            dishes=dishes,
        )


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


def _gate_to_tensors(name: str, expert: Drawings | Dishes) -> dict[str, NDArray[Any]]:
    return {
        f"{name}.gate": expert.gate.weight,
        f"{name}.mixture": np.array([expert.gate.threshold, expert.residual]),
    }


def _pop_expert(tensors: dict[str, Floats], name: str, *parts: str) -> dict[str, Any]:
    threshold, residual = tensors.pop(f"{name}.mixture").tolist()
    gate = Gate(tensors.pop(f"{name}.gate"), threshold)
    own = {part: tensors.pop(f"{name}.{part}") for part in parts}
    return {**own, "gate": gate, "residual": residual}
