"""What an encoder promises: its embedding space, and the protocol it answers.

Vectors of two encoders may be compared only when their spaces have the same fingerprint.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Vectors: TypeAlias = NDArray[np.float32]
    """Shape ``(n, dimension)``, float32, every row finite and of unit L2 norm."""


class Role(StrEnum):
    """Whether a text is searched for or searched in; some models prefix them differently."""

    QUERY = "query"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """Everything that decides where a vector lies; two equal spaces are comparable.

    Attributes:
        model_id: Name of the model, e.g. ``hinge-en-2`` or a Hugging Face id.
        revision: Exact revision, commit or hash of the weights.
        dimension: Length of a vector.
        modalities: What the encoder encodes, in the order of :class:`~schemas.records.Modality`.
        window_tokens: The longest text that is encoded whole, in the encoder's own tokens
            without special ones.
        image_size_pixels: Side of the square the image tower sees; decoding may shrink towards it.
        preprocessing: How pixels are prepared (resize, crop, normalisation), in words.
        padding: How texts are padded, e.g. ``longest`` or ``max_length:64``.
        pooling: How a tower's outputs become one vector.
        normalisation: Always ``l2`` today.
        dtype: Arithmetic of the towers, e.g. ``float32`` or ``bfloat16``.
        decode_version: Version of our decode policy.
        chunk_version: Version of our chunking.
    """

    model_id: str
    revision: str
    dimension: int
    modalities: tuple[Modality, ...]
    window_tokens: int
    image_size_pixels: int
    preprocessing: str
    padding: str
    pooling: str
    normalisation: str
    dtype: str
    decode_version: int
    chunk_version: int

    def __post_init__(self) -> None:
        """Refuse a space nothing could be stored in.

        Raises:
            ValueError: The dimension or the window is not positive, or there is no modality.
        """
        if self.dimension < 1 or self.window_tokens < 1 or not self.modalities:
            msg = f"not an embedding space: {self!r}"
            raise ValueError(msg)

    @property
    def fingerprint(self) -> str:
        """``blake3:<hex>`` of the canonical JSON: sorted keys, no spaces, ASCII."""
        from blake3 import blake3

        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return f"blake3:{blake3(canonical.encode()).hexdigest()}"

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; :meth:`from_json` gives the space back."""
        return {**asdict(self), "modalities": [str(m) for m in self.modalities]}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> EmbeddingSpace:
        """The space that :meth:`to_json` described.

        Raises:
            TypeError: A field is missing or unknown.
            ValueError: A field has a value that no space has.
        """
        modalities = tuple(Modality(name) for name in fields["modalities"])
        return cls(**{**fields, "modalities": modalities})


@runtime_checkable
class Encoder(Protocol):
    """Maps images and texts into one embedding space.

    A row never depends on its neighbours in the batch. Implementations load their towers on
    first use, so that a text query never loads the image tower; calls from several threads are
    safe.
    """

    @property
    def space(self) -> EmbeddingSpace:
        """The space of every vector it makes; known without loading a tower."""
        ...

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images that went through :mod:`ingest.decode`.

        Returns:
            ``(len(images), dimension)`` float32, finite rows of unit L2 norm, in order.

        Raises:
            UnsupportedModality: The encoder has no image tower.
            InvalidVector: The model gave a row that is not finite or has no length.
        """
        ...

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Encode texts of at most ``space.window_tokens`` tokens each.

        Longer texts are cut at the window by the model; chunk first (:mod:`ingest.chunk`).

        Returns:
            ``(len(texts), dimension)`` float32, finite rows of unit L2 norm, in order.

        Raises:
            UnsupportedModality: The encoder has no text tower.
            InvalidVector: The model gave a row that is not finite or has no length.
        """
        ...

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Character span ``(start, end)`` of each of the text's tokens, in order.

        By the text tower's own tokenizer, without special tokens, without any cut. Text that
        spells a special token is plain text.
        """
        ...
