"""Any sentence-transformers model behind the encoder protocol, whatever runs its towers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.transformer.forward_batch import ForwardBatch
from ingest.encoders.vectors import to_unit_rows
from ingest.encoders.workers import DEFAULT_ROWS, count_cores
from schemas.errors import UnsupportedModality
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

    from ingest.encoders.runtimes.tower import Tower
    from ingest.encoders.transformer.images import ImagePreparation
    from ingest.encoders.transformer.texts import TextPreparation
    from schemas.space import EmbeddingSpace, Vectors

MOST_ROWS_ON_A_GPU = 1024
"""Beyond it a forward pass of a base model gains nothing more from its size."""


@dataclass(frozen=True, slots=True)
class EncoderParts:
    """What an encoder is made of; see :mod:`.torch_parts` and :mod:`.exported_parts`.

    Attributes:
        space: Of every vector.
        towers: One forward pass a modality.
        texts: Makes the text tower's input, if there is one.
        images: Makes the image tower's input, if there is one.
        on_gpu: Whether the towers are on a GPU.
        first_rows: Rows of the first forward passes; on a CPU of all of them.
    """

    space: EmbeddingSpace
    towers: Mapping[Modality, Tower]
    texts: TextPreparation | None = None
    images: ImagePreparation | None = None
    on_gpu: bool = field(default=False, kw_only=True)
    first_rows: int = field(default=DEFAULT_ROWS, kw_only=True)


class TransformerEncoder:
    """An :class:`~schemas.space.Encoder` on a sentence-transformers model.

    Several threads may call: preparing and the forward passes run side by side on shared weights.

    Args:
        parts: Preparation, towers and the space they make together.
    """

    def __init__(self, parts: EncoderParts) -> None:
        """Keep the parts."""
        self._parts = parts
        first = parts.first_rows
        most = MOST_ROWS_ON_A_GPU if parts.on_gpu else first
        self._batches = {modality: ForwardBatch(first, most) for modality in parts.towers}

    @property
    def space(self) -> EmbeddingSpace:
        """The space of every vector.

        Its ``preprocessing`` begins with ``own:`` where our image preparation is in use, and with
        ``model:`` where the model's processor is, because ours gave other vectors or cannot
        follow it.
        """
        return self._parts.space

    @property
    def workers(self) -> int:
        """How many threads should call at once; see :mod:`ingest.encoders.workers`."""
        return 1 if self._parts.on_gpu else count_cores()

    @property
    def rows(self) -> int:
        """Rows of a call, at most, on a GPU, where it grows while memory lasts; 0 on a CPU."""
        return max(batch.rows for batch in self._batches.values()) if self._parts.on_gpu else 0

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images; see :meth:`schemas.space.Encoder.encode_images`."""
        if self._parts.images is None:
            raise self._unsupported(Modality.IMAGE)
        tower, batch = self._parts.towers[Modality.IMAGE], self._batches[Modality.IMAGE]
        rows = self._empty_rows(len(images))
        start = 0
        while start < len(images):
            stop = min(start + batch.rows, len(images))
            features = self._parts.images.to_features(images[start:stop])
            rows[start:stop] = batch.run(tower, features)
            start = stop
        return to_unit_rows(rows, self.space.dimension)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Encode texts; see :meth:`schemas.space.Encoder.encode_texts`.

        A text is always a text: one that reads like a path or a URL is neither opened nor
        fetched, and a special token that it spells is a few ordinary tokens. Texts of similar
        length go together, so give many at once.
        """
        if self._parts.texts is None:
            raise self._unsupported(Modality.TEXT)
        tower, batch = self._parts.towers[Modality.TEXT], self._batches[Modality.TEXT]
        rows = self._empty_rows(len(texts))
        passes = self._parts.texts.iter_passes(texts, Role(role), lambda: batch.rows)
        for members, features in passes:
            rows[members] = batch.run(tower, features)
        return to_unit_rows(rows, self.space.dimension)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :meth:`schemas.space.Encoder.token_spans`.

        Neighbours may share a character, where a model splits one into bytes.
        """
        if self._parts.texts is None:
            raise self._unsupported(Modality.TEXT)
        return self._parts.texts.tokens.spans(text)

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special ones and without a cut."""
        if self._parts.texts is None:
            raise self._unsupported(Modality.TEXT)
        return self._parts.texts.tokens.counts(texts)

    def _empty_rows(self, count: int) -> Vectors:
        return np.empty((count, self.space.dimension), dtype=np.float32)

    def _unsupported(self, modality: Modality) -> UnsupportedModality:
        return UnsupportedModality(
            f"{self.space.model_id} encodes no {modality}s: choose a model that does"
        )
