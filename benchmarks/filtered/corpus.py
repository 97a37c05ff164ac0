"""Vectors as CLIP-like models make them, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.collection import to_point
from schemas.records import Chunk, Modality, Part, Record
from schemas.space import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from qdrant_client import models

    Floats = NDArray[np.float32]

TOP_K = 10
RARE_EVERY = 100
"""Every so many-th point is a figure: the selective filter."""
DRAWN_AT_ONCE = 10_000
"""Rows that are drawn together, so that a million of them take little more than their own room."""


@dataclass(frozen=True)
class Corpus:
    """Unit vectors; the odd rows are images, the rest texts.

    Attributes:
        rows: ``(n, dimension)`` float32.
        queries: ``(q, dimension)`` float32; new texts.
    """

    rows: Floats
    queries: Floats

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Of all rows."""
        return np.arange(len(self.rows))

    def mask(self, share: str) -> NDArray[np.bool_]:
        """Which rows pass a filter, ``image`` or ``figure``."""
        if share == "image":
            return np.asarray(self.numbers % 2 == 1)
        return np.asarray(self.numbers % RARE_EVERY == 1)

    def exact(self, share: str) -> list[set[int]]:
        """The right answers to each query."""
        chosen = np.flatnonzero(self.mask(share))
        rows = self.rows[chosen]
        return [
            set(chosen[np.argpartition(-(rows @ query), TOP_K)[:TOP_K]].tolist())
            for query in self.queries
        ]


def to_corpus(points: int, dimension: int, queries: int) -> Corpus:
    """Topics that both modalities speak of, each modality with a direction of its own added."""
    generator = np.random.default_rng(0)
    topics = generator.normal(size=(300, dimension)).astype(np.float32)
    gaps = generator.normal(size=(2, dimension)).astype(np.float32)

    def draw(sides: NDArray[np.int64]) -> Floats:
        about = generator.integers(0, len(topics), len(sides))
        drawn = np.empty((len(sides), dimension), dtype=np.float32)
        for start in range(0, len(sides), DRAWN_AT_ONCE):
            part = slice(start, start + DRAWN_AT_ONCE)
            noise = generator.standard_normal(drawn[part].shape, dtype=np.float32)
            rows = 0.7 * topics[about[part]] + gaps[sides[part]] + 0.8 * noise
            drawn[part] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return drawn

    return Corpus(draw(np.arange(points) % 2), draw(np.zeros(queries, dtype=np.int64)))


def iter_points(corpus: Corpus) -> Iterator[models.PointStruct]:
    """The corpus with payloads of the usual size; row n is of item n."""
    for number, row in enumerate(corpus.rows):
        is_image = number % 2 == 1
        modality = Modality.IMAGE if is_image else Modality.TEXT
        is_figure = number % RARE_EVERY == 1
        record = Record(
            source_uri=f"folder://bench/{number}",
            root="bench",
            location=f"/bench/{number}",
            media_type="image/jpeg" if is_image else "text/plain",
            modality=Modality.TEXT if is_figure else modality,
            size_bytes=1000,
        )
        chunk = Chunk(
            record,
            ordinal=0,
            count=1,
            content_hash=f"blake3:{number}",
            part=Part.FIGURE if is_figure else Part.CONTENT,
            text="" if is_image else "a few words " * 20,
        )
        yield to_point(chunk, row, "blake3:bench")


class KnownQueries:
    """An encoder for the corpus's queries, so that encoding costs nothing: the text is the number.

    Args:
        corpus: Whose queries.
    """

    def __init__(self, corpus: Corpus) -> None:
        """Keep the vectors."""
        self._queries = corpus.queries
        self.space = EmbeddingSpace(
            model_id="bench-1",
            revision="1",
            dimension=corpus.rows.shape[1],
            modalities=tuple(Modality),
            window_tokens=64,
            image_size_pixels=224,
            preprocessing="none",
            padding="longest",
            pooling="none",
            normalisation="l2",
            dtype="float32",
            decode_version=1,
            chunk_version=1,
        )

    def encode_texts(self, texts: Sequence[str], role: object) -> Floats:  # noqa: ARG002 - the protocol's
        """The query of each number; of other texts the first."""
        return np.stack([self._queries[int(text) if text.isdecimal() else 0] for text in texts])

    def encode_images(self, images: Sequence[object]) -> Floats:
        """No image is searched with."""
        return np.stack([self._queries[0] for _ in images])

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """One token."""
        return [(0, len(text))]
