"""The sentence of each passage that is nearest to a query, by the encoder itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.collection import from_payload
from schemas.query import Highlight
from schemas.space import Role
from search.ranking import to_cosine
from search.sentences import to_sentences

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from numpy.typing import NDArray
    from qdrant_client import models

    from schemas.records import Chunk
    from schemas.space import Encoder

SENTENCES_AT_ONCE: Final = 64
"""That are encoded in one call; more would only take more memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """Passages, cut into sentences, with the vectors of these. Made by :meth:`encode`.

    Attributes:
        chunks: By point id.
        spans: Of every sentence in its passage's text, with that passage's point id.
        vectors: Theirs, shape ``(len(spans), dimension)``, float32, unit length.
    """

    chunks: dict[str, Chunk]
    spans: list[tuple[str, int, int]]
    vectors: NDArray[np.float32]

    @classmethod
    def encode(cls, points: Iterable[models.ScoredPoint], encoder: Encoder) -> Self:
        """Encode the sentences of text points, each point once.

        A passage that is one sentence is encoded too: its stored vector may be of another
        precision, and then its score would not be comparable with those of other sentences.

        Args:
            points: With their payloads.
            encoder: Of their space.

        Raises:
            EncoderError: The encoder failed.
        """
        chunks = {str(point.id): from_payload(point.payload or {}) for point in points}
        spans = [
            (point_id, start, end)
            for point_id, chunk in chunks.items()
            for start, end in to_sentences(chunk.text, chunk.language)
        ]
        texts = [chunks[point_id].text[start:end] for point_id, start, end in spans]
        rows = [
            encoder.encode_texts(texts[start : start + SENTENCES_AT_ONCE], Role.DOCUMENT)
            for start in range(0, len(texts), SENTENCES_AT_ONCE)
        ]
        nothing = np.zeros((0, encoder.space.dimension), dtype=np.float32)
        return cls(chunks, spans, np.concatenate([nothing, *rows]))

    def find_best(self, vector: NDArray[np.float32]) -> dict[str, Highlight]:
        """The nearest sentence of each passage, by point id; of equal ones the first.

        Args:
            vector: Of the query, unit length, whatever its modality.
        """
        cosines = (self.vectors @ vector).tolist()
        best: dict[str, tuple[float, int, int]] = {}
        for (point_id, start, end), cosine in zip(self.spans, cosines, strict=True):
            if point_id not in best or cosine > best[point_id][0]:
                best[point_id] = cosine, start, end
        return {
            point_id: _to_highlight(self.chunks[point_id], *found)
            for point_id, found in best.items()
        }


def _to_highlight(chunk: Chunk, cosine: float, start: int, end: int) -> Highlight:
    offset = chunk.start_char
    return Highlight(
        text=" ".join(chunk.text[start:end].split()),
        score=to_cosine(cosine),
        start=start,
        end=end,
        start_char=None if offset is None else offset + start,
        end_char=None if offset is None else offset + end,
    )
