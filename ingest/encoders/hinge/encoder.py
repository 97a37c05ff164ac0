"""The hinge as an encoder: the way in for everything outside this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.chunk import CHUNK_VERSION
from ingest.decode import DECODE_VERSION
from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.encoders.hinge.bridge import BRIDGE_FILES
from ingest.encoders.hinge.towers import (
    DIMENSION,
    IMAGE_SIZE_PIXELS,
    WINDOW_TOKENS,
    Arithmetic,
    ImageTower,
    TextTower,
    Tokens,
)
from ingest.encoders.once import Once
from schemas.records import Modality
from schemas.space import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from schemas.space import Role, Vectors


def to_space(model: str = HINGE_MODEL_ID, dtype: str = "float32") -> EmbeddingSpace:
    """The space of a hinge; the committed weights name the base models they were trained on.

    Args:
        model: One of :data:`~ingest.encoders.catalogue.HINGE_MODELS`.
        dtype: Arithmetic of the towers.
    """
    return EmbeddingSpace(
        model_id=model,
        revision=BRIDGE_FILES[model].revision,
        dimension=DIMENSION,
        modalities=(Modality.IMAGE, Modality.TEXT),
        window_tokens=WINDOW_TOKENS,
        image_size_pixels=IMAGE_SIZE_PIXELS,
        preprocessing="RGB squashed to 260x260, bicubic; (x - 127) / 128",
        padding="longest",
        pooling="image: mean over space, five layers; text: mean over tokens",
        normalisation="l2",
        dtype=dtype,
        decode_version=DECODE_VERSION,
        chunk_version=CHUNK_VERSION,
    )


class HingeEncoder:
    """A hinge: images beside English texts, offline, on onnxruntime alone.

    Nothing is loaded before it is used: a text loads the tokenizer and the text tower, an image the
    image tower, :meth:`token_spans` the tokenizer alone. May be called from several threads, which
    is also the quickest way to encode many images: one forward pass an image, one thread a pass.

    Args:
        threads: Threads inside one forward pass; None is 1.
        backend: ``onnx`` or ``openvino``.
        dtype: ``float32``; ``int8`` (text tower alone) with onnx, ``bfloat16`` with openvino.
        model: One of :data:`~ingest.encoders.catalogue.HINGE_MODELS`. They differ in where an image
            lies, never in where a text does.
    """

    def __init__(
        self,
        threads: int | None = None,
        *,
        backend: str = "onnx",
        dtype: str = "float32",
        model: str = HINGE_MODEL_ID,
    ) -> None:
        """Set up; loads nothing."""
        arithmetic = Arithmetic(backend, dtype, threads or 1)
        self._space = to_space(model, dtype)
        self._tokens = Once(Tokens)
        self._texts = Once(lambda: TextTower(self._tokens(), arithmetic))
        self._images = Once(lambda: ImageTower(arithmetic, model))

    @property
    def space(self) -> EmbeddingSpace:
        """The space of every vector it makes."""
        return self._space

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images that went through :mod:`ingest.decode`.

        Args:
            images: Of any size; each is squashed to 260 x 260 pixels.

        Returns:
            ``(len(images), 384)`` float32, finite rows of unit L2 norm, in order. A row is the same
            to the last bit whatever the other images are.

        Raises:
            ModelUnavailable: The weight wheels are not installed.
            InvalidVector: The model gave a row that is not finite or has no length.
        """
        from ingest.encoders.vectors import to_unit_rows

        # One image a pass: larger batches fall out of the processor's caches and are slower.
        return to_unit_rows([self._images().encode(image) for image in images], DIMENSION)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:  # noqa: ARG002
        """Encode texts; those longer than 254 tokens are cut.

        Args:
            texts: Any strings; lone surrogates and control characters are passed over.
            role: Queries and documents are encoded alike.

        Returns:
            ``(len(texts), 384)`` float32, finite rows of unit L2 norm, in order.

        Raises:
            ModelUnavailable: The weight wheels are not installed.
            InvalidVector: The model gave a row that is not finite or has no length.
        """
        from ingest.encoders.vectors import to_unit_rows

        if not texts:
            return to_unit_rows([], DIMENSION)
        return to_unit_rows(self._texts().encode(texts), DIMENSION)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Character span ``(start, end)`` of each of the text's tokens, in order.

        Raises:
            ModelUnavailable: The weight wheels are not installed.
        """
        return self._tokens().to_spans(text)

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special ones and without a cut.

        Raises:
            ModelUnavailable: The weight wheels are not installed.
        """
        return self._tokens().to_counts(texts)
