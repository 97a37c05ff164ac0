"""The encoder of a search: words by an exported tower where one is kept, without torch.

A model that torch runs takes seconds to load. Once its towers have been exported (by any use of
the backends ``onnx`` and ``openvino``, see :mod:`ingest.encoders.transformer.exported_parts`), a
query in words needs one of them alone, and the model itself is loaded for the first image.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.encoders.canary import check_canary
from ingest.encoders.catalogue import HINGE_MODELS
from ingest.encoders.lazy import LazyEncoder
from schemas.errors import EncoderError, ModelUnavailable, SettingsError
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

    from ingest.encoders.known_space import EncoderRequest
    from schemas.space import EmbeddingSpace, Encoder, Role, Vectors

_BACKENDS = {"float32": "onnx", "bfloat16": "openvino"}
"""Dtype -> the backend that computes in it as torch does."""

_log = logging.getLogger(__name__)


class QueryEncoder:
    """Two encoders of one space: one for texts, and one that is loaded for the first image.

    Args:
        texts: Encodes texts.
        images: Encodes images.
    """

    def __init__(self, texts: Encoder, images: Encoder) -> None:
        """Load nothing."""
        self._texts = texts
        self._images = images

    @property
    def space(self) -> EmbeddingSpace:
        """Of every vector."""
        return self._texts.space

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images; see :class:`schemas.space.Encoder`.

        Raises:
            SpaceMismatch: The model is no longer the one whose tower was exported.
        """
        return self._images.encode_images(images)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Encode texts; see :class:`schemas.space.Encoder`."""
        return self._texts.encode_texts(texts, role)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :class:`schemas.space.Encoder`."""
        return self._texts.token_spans(text)


def load_query_encoder(
    request: EncoderRequest,
    space: EmbeddingSpace,
    canary: Mapping[str, Sequence[Sequence[float]]],
) -> Encoder:
    """The asked encoder, its texts by an exported tower where one is kept and says the same.

    Args:
        request: What would be loaded otherwise. A backend that is named is taken as it is.
        space: Of the collection.
        canary: Of the collection; a tower whose texts are off is not used.

    Raises:
        ModelUnavailable: Neither is there.
        EncoderError: The model cannot be loaded.
    """
    tower = _find_text_tower(request)
    if tower is None or not _agrees(tower, space, canary):
        return request.load()
    return QueryEncoder(tower, LazyEncoder(space, request.load))


def _find_text_tower(request: EncoderRequest) -> Encoder | None:
    """An encoder on the kept tower; None where there is none, or the backend is chosen already."""
    from ingest.encoders.transformer.encoder import TransformerEncoder
    from ingest.encoders.transformer.exported_parts import Exports, load_exported_parts
    from ingest.encoders.transformer.files import find_model, is_bridge, is_folder

    if is_folder(request.model) and is_bridge(Path(request.model).expanduser()):
        return _find_text_side(request)
    backend = _BACKENDS.get(request.dtype or "")
    if request.backend or request.model in HINGE_MODELS or not _is_installed(backend):
        return None
    try:
        files = find_model(request.model, request.revision)
        exports = Exports(files)
        if not exports.is_kept(Modality.TEXT):
            return None
        parts = load_exported_parts(
            files, str(backend), request.dtype, request.threads, exports=exports
        )
        return TransformerEncoder(parts)
    except (EncoderError, ModelUnavailable) as error:
        _log.debug("%s: no exported tower is used (%s)", request.model, error)
        return None


def _find_text_side(request: EncoderRequest) -> Encoder | None:
    """A bridge whose texts come from the kept tower of its text encoder."""
    from ingest.encoders.bridge.backbone import EncoderBackbone
    from ingest.encoders.bridge.encoder import load_bridge_encoder
    from ingest.encoders.bridge.folder import read_encoders
    from ingest.encoders.transformer.files import find_model

    try:
        files = find_model(request.model, request.revision)
        _, frozen = read_encoders(files.folder)
        model, space = frozen.to_model(files.folder.parent), frozen.space
        tower = _find_text_tower(
            replace(request, model=model, revision=space.revision, dtype=space.dtype)
        )
        if tower is None:
            return None
        return load_bridge_encoder(
            files,
            backend=request.backend,
            dtype=request.dtype,
            threads=request.threads,
            texts=lambda: EncoderBackbone(tower),
        )
    except (EncoderError, ModelUnavailable, SettingsError) as error:
        _log.debug("%s: no exported tower is used (%s)", request.model, error)
        return None


def _is_installed(backend: str | None) -> bool:
    return backend == "onnx" or (backend is not None and find_spec(backend) is not None)


def _agrees(
    tower: Encoder, space: EmbeddingSpace, canary: Mapping[str, Sequence[Sequence[float]]]
) -> bool:
    if tower.space.fingerprint != space.fingerprint:
        return False
    try:
        check_canary(tower, canary, [Modality.TEXT])
    except Exception as error:  # noqa: BLE001 - a runtime may raise anything; the model answers
        _log.warning("the exported text tower is not used: %s", error)
        return False
    return True
