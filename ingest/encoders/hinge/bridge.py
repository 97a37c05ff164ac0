"""The bridge: what maps an image's features and class logits into the text space.

``v = norm(norm(W z + b) + a * norm(softmax(logits / T) C))``, with ``z`` the standardised features.
The first part is DeViSE's linear map (Frome et al. 2013), the second is ConSE (Norouzi et al.
2014): the image's probable ImageNet classes, each a text vector, averaged. It keeps the map honest
away from its training domain.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import ModelUnavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WEIGHTS_FILE = "hinge-en-1.safetensors"
"""The committed weights, beside this module."""

WEIGHTS_BLAKE3 = "be208890aeafa28cbf96c365b858562f985c4496661dc826ea557b2bb67f59d1"
"""BLAKE3 of the committed weights, hexadecimal: the revision of the model."""


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
    """

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats
    classes: Floats
    temperature: float
    residual: float

    def to_bytes(self, provenance: dict[str, str]) -> bytes:
        """Serialise as safetensors, the two matrices in float16, the same bytes every time."""
        from safetensors.numpy import save

        half = {"weight": self.weight, "classes": self.classes}
        whole = {
            "mean": self.mean,
            "scale": self.scale,
            "bias": self.bias,
            "mixture": np.array([self.temperature, self.residual]),
        }
        tensors: dict[str, NDArray[Any]] = {
            **{name: values.astype(np.float16) for name, values in half.items()},
            **{name: values.astype(np.float32) for name, values in whole.items()},
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
        return cls(**tensors, temperature=temperature, residual=residual)


@cache
def load_bridge() -> Bridge:
    """The committed weights, with their hash checked; read once.

    Raises:
        ModelUnavailable: The file is missing or is another one; Diptych should be reinstalled.
    """
    from blake3 import blake3

    advice = "the installation of diptych is damaged; install it again"
    file = files("ingest.encoders.hinge") / WEIGHTS_FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"hinge-en-1: {file} cannot be read ({error}): {advice}") from error
    found = blake3(content).hexdigest()
    if found != WEIGHTS_BLAKE3:
        raise ModelUnavailable(
            f"hinge-en-1: {file} has blake3 {found}, expected {WEIGHTS_BLAKE3}: {advice}"
        )
    return Bridge.from_bytes(content)


def to_conse(logits: Floats, classes: Floats, temperature: float) -> Floats:
    """ConSE: the mean class vector under the softened class probabilities.

    Args:
        logits: ``(n, 1000)`` float32.
        classes: ``(1000, 384)`` float32, centred.
        temperature: Above 1 listens to more classes than the likeliest one.

    Returns:
        ``(n, 384)`` float32 unit rows.
    """
    scaled = logits / temperature
    likelihood = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    mixed = (likelihood / likelihood.sum(axis=1, keepdims=True)) @ classes
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)
