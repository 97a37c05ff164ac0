"""Chunks and points of a small made-up collection, for the tests of search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.collection import to_point
from schemas.records import Chunk, Modality, Record
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qdrant_client import models

    from schemas.space import Encoder

HASH = "blake3:00"
NOON_2024_05_31 = 1_717_156_800 * 10**9


def to_record(
    name: str, modality: Modality, metadata: Mapping[str, object] | None = None, **fields: Any
) -> Record:
    plain: dict[str, Any] = {
        "location": f"/photos/{name}",
        "media_type": "image/png" if modality is Modality.IMAGE else "text/plain",
        "size_bytes": 10,
        "modified_ns": NOON_2024_05_31,
    }
    return Record(
        source_uri=f"folder://root/{name}",
        root="root",
        modality=modality,
        metadata=metadata or {},
        **{**plain, **fields},
    )


def to_image_chunk(name: str, location: Path | None = None, **fields: Any) -> Chunk:
    place = {"location": str(location)} if location else {}
    record = to_record(name, Modality.IMAGE, fields.pop("metadata", None), **place)
    sides = {"width_pixels": 8, "height_pixels": 6}
    return Chunk(record, 0, 1, HASH, **{**sides, **fields})


def to_text_chunks(name: str, *passages: str, **fields: Any) -> list[Chunk]:
    record = to_record(name, Modality.TEXT, fields.pop("metadata", None))
    return [
        Chunk(record, ordinal, len(passages), HASH, text=passage, **fields)
        for ordinal, passage in enumerate(passages)
    ]


def to_text_points(encoder: Encoder, chunks: list[Chunk]) -> list[models.PointStruct]:
    vectors = encoder.encode_texts([chunk.text for chunk in chunks], Role.DOCUMENT)
    pairs = zip(chunks, vectors, strict=True)
    return [to_point(chunk, vector, encoder.space.fingerprint) for chunk, vector in pairs]
