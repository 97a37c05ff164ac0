"""What space a model had when it was last loaded, kept with everything that decided it.

It is believed only while none of that has changed: the request, the model's files by their stamps,
the packages that load and run it, Diptych's own code, the hardware. A stamp that may be too young
to tell one version of a file from the next is not kept. Loads no model runtime.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingest.chunk import CHUNK_VERSION
from ingest.decode import DECODE_VERSION
from ingest.durable import replacing
from ingest.encoders.backends import has_fast_bfloat16
from ingest.encoders.catalogue import HINGE_MODELS
from schemas.errors import DiptychError
from schemas.space import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.space import Encoder

PACKAGES: Final = (
    "diptych",
    "huggingface_hub",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "openvino",
    "pillow",
    "safetensors",
    "sentence-transformers",
    "sentencepiece",
    "tokenizers",
    "torch",
    "torchvision",
    "transformers",
)
"""Whose versions may decide how a model is loaded, prepared for and run."""

MOST_KEPT: Final = 16
"""Requests that are remembered; a model that is asked for again is loaded once more."""

_VARIABLES: Final = (
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "DIPTYCH_CACHE_DIR",
)
_DEVICES: Final = tuple(map(Path, ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")))
_YOUNG_SECONDS: Final = 2.0
"""Some file systems count in steps of two seconds."""


@dataclass(frozen=True, slots=True)
class EncoderRequest:
    """What :func:`~ingest.encoders.load.load_encoder` is asked for; see there."""

    model: str
    revision: str | None
    threads: int | None
    backend: str | None
    dtype: str | None
    check: bool

    def load(self) -> Encoder:
        """Load it.

        Raises:
            ModelUnavailable: The model, its revision or the extra that runs it is not here.
            EncoderError: The model breaks a promise.
        """
        from ingest.encoders.load import load_encoder

        return load_encoder(**asdict(self))


@dataclass(frozen=True, slots=True)
class KnownSpace:
    """What a model was when it was loaded.

    Attributes:
        space: Of every vector.
        on_gpu: Whether it ran there.
    """

    space: EmbeddingSpace
    on_gpu: bool


class KnownSpaces:
    """The files in which they are kept, one a request.

    Args:
        folder: Made when the first is kept; it may vanish at any time.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._folder = folder

    def find(self, request: EncoderRequest) -> KnownSpace | None:
        """What loading would give; None where only loading tells."""
        try:
            kept = json.loads(self._to_path(request).read_text("utf-8"))
            if kept["grounds"] != _to_digest(request):
                return None
            return KnownSpace(EmbeddingSpace.from_json(kept["space"]), kept["on_gpu"] is True)
        except (OSError, ValueError, TypeError, KeyError, DiptychError):
            return None

    def load(self, request: EncoderRequest) -> Encoder:
        """Load a model and keep what its space is.

        Raises:
            EncoderError: It cannot be loaded; see :meth:`EncoderRequest.load`.
        """
        before = _try_digest(request)
        encoder = request.load()
        # What was downloaded or replaced while it was being loaded is none of the two.
        if before is not None and _try_digest(request) == before:
            self._keep(request, before, encoder)
        return encoder

    def _keep(self, request: EncoderRequest, grounds: str, encoder: Encoder) -> None:
        on_gpu = bool(getattr(encoder, "rows", 0))
        kept = {"grounds": grounds, "space": encoder.space.to_json(), "on_gpu": on_gpu}
        path = self._to_path(request)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as stream:
                json.dump(kept, stream)
            self._prune()
        except OSError:
            return  # it costs time at the next run, no more

    def _prune(self) -> None:
        """Of the requests that were ever made, remember the newest; a model may be long gone."""
        notes = [(path.stat().st_mtime_ns, path) for path in self._folder.glob("encoder-*.json")]
        for _, path in sorted(notes, reverse=True)[MOST_KEPT:]:
            path.unlink(missing_ok=True)

    def _to_path(self, request: EncoderRequest) -> Path:
        from blake3 import blake3

        asked = json.dumps(asdict(request), sort_keys=True).encode()
        return self._folder / f"encoder-{blake3(asked).hexdigest(length=8)}.json"


class _TooYoung(Exception):
    """A file was changed a moment ago, and could be again without another stamp."""


def _try_digest(request: EncoderRequest) -> str | None:
    try:
        return _to_digest(request, wary=True)
    except (OSError, DiptychError, _TooYoung):
        return None


def _to_digest(request: EncoderRequest, *, wary: bool = False) -> str:
    """Digest of everything that the space of a model depends on.

    Args:
        request: Names the model.
        wary: Whether to refuse files that were changed a moment ago.

    Raises:
        OSError: A file cannot be looked at.
        ModelUnavailable: The model is not on this machine.
    """
    from blake3 import blake3

    young = time.time() - _YOUNG_SECONDS if wary else None
    grounds = {
        "request": asdict(request),
        "model": [list(_iter_stamps(folder, young)) for folder in _iter_folders(request)],
        "packages": dict(_iter_versions()),
        "code": list(_iter_stamps(Path(__file__).parent, None, suffix=".py")),
        "versions": [DECODE_VERSION, CHUNK_VERSION],
        "machine": _describe_machine(),
    }
    return f"blake3:{blake3(json.dumps(grounds).encode()).hexdigest()}"


def _iter_folders(request: EncoderRequest) -> Iterator[Path]:
    """Where the model's files are, and of a bridge those of its encoders; hashes none of them.

    Raises:
        ModelUnavailable: One is not on this machine.
    """
    pending: list[tuple[str, str | None]] = [(request.model, request.revision)]
    seen: set[Path] = set()
    while pending:
        folder = _to_folder(*pending.pop(0))
        if folder not in seen:
            seen.add(folder)
            yield folder
            pending += _iter_encoders(folder)


def _to_folder(model: str, revision: str | None) -> Path:
    from ingest.encoders.transformer.files import find_model, is_folder

    if model in HINGE_MODELS:  # its towers are held to hashes that stand in its code
        return Path(__file__).with_name("hinge")
    if is_folder(model):
        return Path(model).expanduser().resolve()
    return find_model(model, revision).folder


def _iter_encoders(folder: Path) -> Iterator[tuple[str, str]]:
    """Model and revision of each encoder of a bridge; none of another model."""
    from ingest.encoders.bridge.folder import read_encoders
    from ingest.encoders.transformer.files import is_bridge

    if is_bridge(folder):
        for frozen in read_encoders(folder):
            yield frozen.to_model(folder.parent), frozen.space.revision


def _iter_stamps(folder: Path, young: float | None, suffix: str = "") -> Iterator[list[Any]]:
    """The folder, and the path and stamp of every file below it, in order.

    Raises:
        OSError: One cannot be looked at.
        _TooYoung: One was changed after ``young``, in seconds since 1970.
    """
    yield [str(folder)]
    for path in sorted(folder.rglob(f"*{suffix}")):
        stat = path.stat()
        if not path.is_file():
            continue
        if young is not None and max(stat.st_mtime, stat.st_ctime) > young:
            raise _TooYoung
        name = path.relative_to(folder).as_posix()
        yield [name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _iter_versions() -> Iterator[tuple[str, str | None]]:
    for name in PACKAGES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name, None


def _describe_machine() -> list[Any]:
    """What chooses device and arithmetic where nobody asks for one."""
    return [
        sys.version,
        sys.prefix,
        platform.machine(),
        platform.node(),
        has_fast_bfloat16(),
        [path.exists() for path in _DEVICES],
        [os.environ.get(name) for name in _VARIABLES],
    ]
