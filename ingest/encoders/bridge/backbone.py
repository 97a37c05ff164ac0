"""A frozen encoder as a bridge sees it: all that it can say of an item, not its vector alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ingest.encoders.bridge.described import Described
from ingest.encoders.catalogue import CATALOGUE, HINGE_MODELS
from schemas.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from schemas.space import EmbeddingSpace, Encoder, Role


class Backbone(Protocol):
    """Describes images, texts or both. May be called from several threads."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its own vectors; of a classifier, of its features."""
        ...

    @property
    def class_texts(self) -> Sequence[Sequence[str]]:
        """Of each class of its logits, in order: its name and what else says what it is.

        Empty where it has no logits.
        """
        ...

    def describe_images(self, images: Sequence[Image]) -> Described:
        """All that it says of RGB images that went through :mod:`ingest.decode`.

        Raises:
            UnsupportedModality: It encodes no images.
        """
        ...

    def describe_texts(self, texts: Sequence[str], role: Role) -> Described:
        """All that it says of texts.

        Raises:
            UnsupportedModality: It encodes no texts.
        """
        ...

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :meth:`schemas.space.Encoder.token_spans`."""
        ...


class EncoderBackbone:
    """Any encoder: its vectors are its features.

    Args:
        encoder: Frozen.
    """

    def __init__(self, encoder: Encoder) -> None:
        """Keep the encoder."""
        self._encoder = encoder

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its own vectors."""
        return self._encoder.space

    @property
    def class_texts(self) -> Sequence[Sequence[str]]:
        """None: it has no logits."""
        return ()

    def describe_images(self, images: Sequence[Image]) -> Described:
        """Vectors of images; see :class:`Backbone`."""
        rows = self._encoder.encode_images(images)
        return Described(rows, rows)

    def describe_texts(self, texts: Sequence[str], role: Role) -> Described:
        """Vectors of texts; see :class:`Backbone`."""
        rows = self._encoder.encode_texts(texts, role)
        return Described(rows, rows)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :class:`Backbone`."""
        return self._encoder.token_spans(text)


def open_backbone(
    model: str,
    *,
    revision: str | None = None,
    backend: str | None = None,
    dtype: str | None = None,
    threads: int | None = None,
) -> Backbone:
    """The backbone of that name; what a name may be says :func:`ingest.encoders.load.load_encoder`.

    Beside encoders it may be an image classifier of Hugging Face's transformers: a folder, or the
    hub id with a revision.

    Raises:
        ModelUnavailable: The model, its revision or the extra that runs it is not here.
        SettingsError: What was asked for does not go together.
    """
    from ingest.encoders.load import load_encoder

    classifier = _open_classifier(model, revision, backend, dtype, threads)
    if classifier is not None:
        return classifier
    encoder = load_encoder(
        model, revision=revision, backend=backend, dtype=dtype, threads=threads, check=False
    )
    if model in HINGE_MODELS:
        from ingest.encoders.bridge.hinge_backbone import HingeBackbone

        return HingeBackbone(encoder, threads=threads)
    return EncoderBackbone(encoder)


def _open_classifier(
    model: str, revision: str | None, backend: str | None, dtype: str | None, threads: int | None
) -> Backbone | None:
    """The image classifier of that name; None where the model is something else."""
    from ingest.encoders.bridge.classifier_backbone import is_classifier, open_classifier
    from ingest.encoders.transformer.files import find_model, is_folder

    if model in (*HINGE_MODELS, *CATALOGUE):
        return None
    if is_folder(model):
        if not is_classifier(Path(model).expanduser()):
            return None
        files = find_model(model, revision)
    else:
        try:
            files = find_model(model, revision)
        except ModelUnavailable:
            files = find_model(model, revision, online=True)
    if not is_classifier(files.folder):
        return None
    return open_classifier(files, dtype=dtype, backend=backend, threads=threads or None)
