"""Records whose vectors were made elsewhere: a Parquet manifest, and the encoder nobody asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.english import read_captions
from ingest.encoders.vectors import to_unit_rows
from schemas.records import Modality
from schemas.space import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from ingest.store.engine import Engine
    from schemas.space import Role, Vectors

DIMENSION = 512
_ROWS_PER_GROUP = 10_000
_PAGE_POINTS = 1_000


class NoEncoder:
    """Has a space, and vectors for the canary alone."""

    space = EmbeddingSpace(
        model_id="made-elsewhere",
        revision="1",
        dimension=DIMENSION,
        modalities=tuple(Modality),
        window_tokens=75,
        image_size_pixels=224,
        preprocessing="none",
        padding="none",
        pooling="none",
        normalisation="l2",
        dtype="float32",
        decode_version=1,
        chunk_version=1,
    )

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """A fixed vector for each."""
        return to_unit_rows(np.ones((len(images), DIMENSION), dtype=np.float32), DIMENSION)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:  # noqa: ARG002 - the protocol's
        """A fixed vector for each."""
        return to_unit_rows(np.ones((len(texts), DIMENSION), dtype=np.float32), DIMENSION)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Words."""
        spans, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            spans.append((start, start + len(word)))
            start += len(word)
        return spans


@dataclass(frozen=True)
class Points:
    """Points as an index holds them.

    Attributes:
        ids: Of each.
        vectors: ``(n, 512)`` float32, unit rows.
        payloads: Of each.
    """

    ids: list[str]
    vectors: NDArray[np.float32]
    payloads: list[dict[str, Any]]

    def __len__(self) -> int:
        """How many."""
        return len(self.ids)


def write_manifest(file: Path, records: int, captions: Path | None = None) -> Path:
    """Parquet with the columns ``id``, ``text`` and ``vector``; kept if it is there."""
    if file.exists():
        return file
    import pyarrow as pa
    from pyarrow import parquet

    texts = read_captions(records, captions)
    generator = np.random.default_rng(0)
    schema = pa.schema(
        [("id", pa.string()), ("text", pa.string()), ("vector", pa.list_(pa.float32(), DIMENSION))]
    )
    unfinished = file.with_suffix(".unfinished")
    with parquet.ParquetWriter(unfinished, schema) as writer:
        for start in range(0, records, _ROWS_PER_GROUP):
            part = range(start, min(start + _ROWS_PER_GROUP, records))
            rows = generator.standard_normal((len(part), DIMENSION), dtype=np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), DIMENSION)
            ids = pa.array([f"{number:06}" for number in part])
            words = pa.array([texts[number] for number in part])
            writer.write_table(pa.Table.from_arrays([ids, words, vectors], schema=schema))
    unfinished.rename(file)
    return file


def read_points(engine: Engine, collection_name: str) -> Points:
    """Everything that a collection holds, as it was written."""
    ids: list[str] = []
    rows: list[NDArray[np.float32]] = []
    payloads: list[dict[str, Any]] = []
    for point_id, vector, payload in _iter_points(engine, collection_name):
        ids.append(point_id)
        rows.append(np.asarray(vector, dtype=np.float32))
        payloads.append(payload)
    return Points(ids, np.stack(rows), payloads)


def _iter_points(
    engine: Engine, collection_name: str
) -> Iterator[tuple[str, list[float], dict[str, Any]]]:
    offset: Any = None
    while True:
        page, offset = engine.scroll(
            collection_name,
            limit=_PAGE_POINTS,
            offset=offset,
            with_payload=True,
            with_vectors=True,
        )
        for point in page:
            vector = cast("list[float]", point.vector)
            yield str(point.id), vector, dict(point.payload or {})
        if offset is None:
            return
