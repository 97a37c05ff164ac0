"""Any image classifier of Hugging Face's transformers, as a bridge sees it.

No code of its repository runs, and only safetensors weights are read.
"""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingest.chunk import CHUNK_VERSION
from ingest.decode import DECODE_VERSION
from ingest.encoders.bridge.described import Described
from ingest.encoders.canary import to_canary_images
from ingest.encoders.transformer.arithmetic import choose_device
from ingest.encoders.transformer.loading import INSTALL_HINT
from ingest.encoders.transformer.memory import memory_errors
from schemas.errors import ModelUnavailable, SettingsError, UnsupportedModality
from schemas.records import Modality
from schemas.space import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from ingest.encoders.transformer.files import ModelFiles
    from schemas.space import Role

    Floats = NDArray[np.float32]

_ARCHITECTURE: Final = re.compile(r"\w+ForImageClassification")
_NAMELESS: Final = re.compile(r"LABEL_\d+")
_TOLERANCE: Final = 1e-3
"""Between the model's logits and those of its last layer's weights, as a share of the largest."""


def is_classifier(folder: Path) -> bool:
    """Whether a folder's ``config.json`` is an image classifier's."""
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = told.get("architectures") or []
        return any(_ARCHITECTURE.fullmatch(name) for name in names)
    except (OSError, ValueError, RecursionError, AttributeError, TypeError):
        return False


class ClassifierBackbone:
    """Pooled activations before the last layer as features, and the logits.

    One image a pass, so that a row never depends on others. May be called from several threads.

    Args:
        files: The model on disk.
        threads: Threads inside one forward pass on a CPU; None leaves torch's setting alone.

    Raises:
        ModelUnavailable: It cannot be loaded safely, or its logits are not a linear layer's.
    """

    def __init__(self, files: ModelFiles, *, threads: int | None = None) -> None:
        """Load the model, and see whether it is what it should be."""
        self._threads = threads
        self._local = threading.local()
        self._model, self._processor = _load(files)
        self._last = _find_last_layer(self._model, files)
        self._last.register_forward_pre_hook(self._note_features)
        described = self.describe_images(to_canary_images())
        self._space = _to_space(files, described.features.shape[1], self._processor)
        self._check_logits(described, files)

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its features."""
        return self._space

    @property
    def class_texts(self) -> Sequence[Sequence[str]]:
        """Of each class the names that its configuration has; none where they are placeholders."""
        told = self._model.config.id2label
        names = [str(told.get(index, "")).strip() for index in range(self._last.out_features)]
        if any(not name or _NAMELESS.fullmatch(name) for name in names):
            return ()
        return [(_to_readable(name),) for name in names]

    def describe_images(self, images: Sequence[Image]) -> Described:
        """Features and logits of RGB images; see :class:`~.backbone.Backbone`."""
        parts = [self._describe(image) for image in images]
        features, logits = (np.stack(column) for column in zip(*parts, strict=True))
        return Described(features, None, logits)

    def describe_texts(self, texts: Sequence[str], role: Role) -> Described:  # noqa: ARG002
        """Never.

        Raises:
            UnsupportedModality: Always.
        """
        raise UnsupportedModality(
            f"{self._space.model_id} classifies images and reads no texts: name a text encoder"
        )

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:  # noqa: ARG002
        """Never.

        Raises:
            UnsupportedModality: Always.
        """
        raise UnsupportedModality(f"{self._space.model_id} classifies images and reads no texts")

    def read_class_weights(self) -> Floats:
        """The last layer's rows; see :class:`~.classifier.Classifier`."""
        rows: Floats = self._last.weight.detach().float().cpu().numpy()
        return rows

    def _describe(self, image: Image) -> tuple[Floats, Floats]:
        import torch

        if self._threads and not hasattr(self._local, "told"):
            torch.set_num_threads(self._threads)
            self._local.told = True
        inputs = self._processor(images=[image.convert("RGB")], return_tensors="pt")
        with memory_errors(self._model.device), torch.inference_mode():
            logits = self._model(pixel_values=inputs["pixel_values"].to(self._model.device)).logits
        return self._local.features, logits[0].float().cpu().numpy()

    def _note_features(self, _: object, inputs: tuple[Any, ...]) -> None:
        rows = inputs[0].detach().float().cpu().numpy()
        self._local.features = rows.reshape(-1, rows.shape[-1])[-1]

    def _check_logits(self, described: Described, files: ModelFiles) -> None:
        bias = 0 if self._last.bias is None else self._last.bias.detach().float().cpu().numpy()
        logits = described.features @ self.read_class_weights().T + bias
        given = described.logits
        if given is None or np.abs(logits - given).max() > _TOLERANCE * max(1, np.abs(given).max()):
            raise ModelUnavailable(
                f"{files.model_id}: its logits are not what its last layer gives for one pooled "
                f"vector, so it has no features that a bridge could read; choose another classifier"
            )


def open_classifier(
    files: ModelFiles, *, dtype: str | None, backend: str | None, threads: int | None
) -> ClassifierBackbone:
    """The classifier in a folder, in float32 on torch.

    Raises:
        ModelUnavailable: As :class:`ClassifierBackbone`.
        SettingsError: Another dtype or backend is asked for.
    """
    if dtype not in (None, "float32") or backend not in (None, "torch"):
        raise SettingsError(
            f"a bridge reads the classifier {files.model_id} in float32 on torch, not "
            f"{dtype or 'float32'} on {backend or 'torch'}: leave --dtype and --backend out"
        )
    return ClassifierBackbone(files, threads=threads)


def _load(files: ModelFiles) -> tuple[Any, Any]:
    try:
        from transformers import AutoImageProcessor, AutoModelForImageClassification
        from transformers.utils import logging
    except ImportError as error:
        raise ModelUnavailable(f"{files.model_id}: {INSTALL_HINT} ({error})") from error
    quieten: Any = logging.disable_progress_bar
    quieten()
    guards = {"trust_remote_code": False, "local_files_only": True}
    folder = str(files.folder)
    try:
        # Pillow's arithmetic is the same on every machine, and torchvision is no part of Diptych.
        processors: Any = AutoImageProcessor
        processor = processors.from_pretrained(folder, backend="pil", **guards)
        model: Any = AutoModelForImageClassification.from_pretrained(
            folder, dtype="float32", use_safetensors=True, **guards
        )
    except Exception as error:
        # Whatever a foreign folder makes the library raise, the model cannot be had.
        raise ModelUnavailable(
            f"{files.model_id} cannot be loaded from {files.folder} "
            f"({type(error).__name__}: {error}); models that bring their own code are not run"
        ) from error
    return model.to(choose_device()).eval(), processor


def _find_last_layer(model: Any, files: ModelFiles) -> Any:  # noqa: ANN401 - torch's own classes
    from torch.nn import Linear

    classes = model.config.num_labels
    found = [
        one for one in model.modules() if isinstance(one, Linear) and one.out_features == classes
    ]
    if not found:
        raise ModelUnavailable(
            f"{files.model_id}: has no linear layer of {classes} classes at its end, so it has no "
            f"features that a bridge could read; choose another classifier"
        )
    return found[-1]


def _to_space(files: ModelFiles, dimension: int, processor: Any) -> EmbeddingSpace:  # noqa: ANN401
    return EmbeddingSpace(
        model_id=files.model_id,
        revision=files.revision,
        dimension=dimension,
        modalities=(Modality.IMAGE,),
        window_tokens=1,
        image_size_pixels=_read_side(processor),
        preprocessing=f"model: {type(processor).__name__}",
        padding="none",
        pooling="the input of the last layer",
        normalisation="l2",
        dtype="float32",
        decode_version=DECODE_VERSION,
        chunk_version=CHUNK_VERSION,
    )


def _read_side(processor: Any) -> int:  # noqa: ANN401 - transformers' own class
    """The longest side that the processor asks for: decoding must not shrink below it."""
    sizes = [dict(getattr(processor, name, None) or {}) for name in ("size", "crop_size")]
    return max((int(value) for size in sizes for value in size.values() if value), default=0)


def _to_readable(name: str) -> str:
    return name.replace("_", " ")
