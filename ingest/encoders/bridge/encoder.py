"""A trained bridge as an encoder like any other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.backbone import open_backbone
from ingest.encoders.bridge.folder import Bridge
from ingest.encoders.vectors import to_unit_rows
from ingest.encoders.workers import count_cores
from schemas.errors import SettingsError, SpaceMismatch
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    from ingest.encoders.bridge.backbone import Backbone
    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.folder import FrozenEncoder
    from ingest.encoders.bridge.side import Side
    from ingest.encoders.transformer.files import ModelFiles
    from schemas.space import EmbeddingSpace, Role, Vectors


class BridgeEncoder:
    """An :class:`~schemas.space.Encoder` on two frozen ones and the bridge between them.

    Each of the two is loaded when it is first needed: a text loads no image encoder. One that is
    both is loaded once.

    Args:
        bridge: What was trained.
        model_id: Its name.
        revision: Of its files.
        images: Opens the image encoder.
        texts: Opens the text encoder.
    """

    def __init__(
        self,
        bridge: Bridge,
        model_id: str,
        revision: str,
        images: Callable[[], Backbone],
        texts: Callable[[], Backbone],
    ) -> None:
        """Load nothing."""
        self._bridge = bridge
        self._space = to_space(bridge, model_id, revision)
        self._lock = Lock()
        self._open = {Modality.IMAGE: images, Modality.TEXT: texts}
        self._opened: dict[Modality, Backbone] = {}

    @property
    def space(self) -> EmbeddingSpace:
        """The space of every vector it makes."""
        return self._space

    @property
    def workers(self) -> int:
        """How many threads should call at once; see :mod:`ingest.encoders.workers`."""
        return count_cores()

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images; see :class:`schemas.space.Encoder`.

        Raises:
            SpaceMismatch: The image encoder is not the one that the bridge was trained on.
            ModelUnavailable: It is not on this machine.
            InvalidVector: A row is not finite or has no length.
        """
        if not images:
            return to_unit_rows([], self._space.dimension)
        described = self._backbone(Modality.IMAGE).describe_images(images)
        return self._to_vectors(self._bridge.images, described)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Encode texts; see :class:`schemas.space.Encoder` and :meth:`encode_images`."""
        if not texts:
            return to_unit_rows([], self._space.dimension)
        described = self._backbone(Modality.TEXT).describe_texts(texts, role)
        return self._to_vectors(self._bridge.texts, described)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :class:`schemas.space.Encoder`."""
        return self._backbone(Modality.TEXT).token_spans(text)

    def _to_vectors(self, side: Side, described: Described) -> Vectors:
        # Row by row: a product of matrices rounds differently with another number of rows.
        rows = [side.apply(described.take([row]))[0] for row in range(len(described))]
        return to_unit_rows(np.stack(rows), self._space.dimension)

    def _backbone(self, modality: Modality) -> Backbone:
        with self._lock:
            if modality not in self._opened:
                self._opened[modality] = self._find(modality)
            return self._opened[modality]

    def _find(self, modality: Modality) -> Backbone:
        """The other side's, where it is the same encoder."""
        bridge = self._bridge
        if bridge.image_encoder == bridge.text_encoder and self._opened:
            return next(iter(self._opened.values()))
        backbone = self._open[modality]()
        is_image = modality is Modality.IMAGE
        expected = (bridge.image_encoder if is_image else bridge.text_encoder).space
        if backbone.space.fingerprint != expected.fingerprint:
            raise SpaceMismatch(
                f"{self._space.model_id} was trained on {expected.model_id} at "
                f"{expected.revision} in {expected.dtype}, and {backbone.space.model_id} at "
                f"{backbone.space.revision} in {backbone.space.dtype} is what was loaded: "
                f"use the same, or train the bridge again"
            )
        return backbone


def to_space(bridge: Bridge, model_id: str, revision: str) -> EmbeddingSpace:
    """The space of a bridge: its own name and dimension, and what its encoders do with input."""
    images, texts = bridge.image_encoder.space, bridge.text_encoder.space
    return replace(
        images,
        model_id=model_id,
        revision=revision,
        dimension=bridge.dimension,
        modalities=(Modality.IMAGE, Modality.TEXT),
        window_tokens=texts.window_tokens,
        padding=texts.padding,
        pooling=f"a bridge over {images.model_id} and {texts.model_id}",
        dtype=images.dtype,
    )


def load_bridge_encoder(
    files: ModelFiles,
    *,
    backend: str | None,
    dtype: str | None,
    threads: int | None,
    texts: Callable[[], Backbone] | None = None,
) -> BridgeEncoder:
    """The bridge in a folder, on the encoders that it names.

    Args:
        files: Of the bridge.
        backend: What runs the encoders; see :func:`ingest.encoders.load.load_encoder`.
        dtype: None, or the one that it was trained in.
        threads: Inside one forward pass.
        texts: Opens the text encoder otherwise; None for as it is named.

    Raises:
        ModelUnavailable: The folder holds no whole bridge.
        SettingsError: It was trained in another dtype.
    """
    bridge = Bridge.read(files.folder)
    trained = bridge.image_encoder.space.dtype
    if dtype not in (None, trained):
        raise SettingsError(
            f"{files.folder} was trained in {trained}, not {dtype}: leave --dtype out, or train "
            f"it again on encoders in {dtype}"
        )

    def to_opening(frozen: FrozenEncoder) -> Callable[[], Backbone]:
        return partial(
            open_backbone,
            frozen.to_model(files.folder.parent),
            revision=frozen.space.revision,
            backend=backend,
            dtype=frozen.space.dtype,
            threads=threads,
        )

    return BridgeEncoder(
        bridge,
        files.model_id,
        files.revision,
        to_opening(bridge.image_encoder),
        texts or to_opening(bridge.text_encoder),
    )
