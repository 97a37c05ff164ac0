"""The payload layout: the one place that knows how a chunk lies in a Qdrant collection.

A point is ``uuid5(namespace, source_uri#ordinal)`` -> unit vector -> flat payload. The payload is
the truth about what is indexed: everything a later run needs to decide what changed is in it.
"""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from hashlib import sha1
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes, unquote_to_bytes
from uuid import UUID

from qdrant_client import models

from schemas.payload_indexes import LABELS, to_labels
from schemas.records import Chunk, Modality, Part, Place, Record
from schemas.vectors import to_vectors
from schemas.words import iter_chunk_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray


SCHEMA_VERSION = 1
"""Version of this layout; stored in every collection's metadata."""

POINT_NAMESPACE = UUID("6f2d1b1e-5a0c-5c0e-9b3f-d1b7c4a90e61")
"""Namespace of every point id. Changing it orphans every indexed point."""

USER_FIELD = "metadata"
"""The payload key that holds the user's own fields, untouched."""

_PLAIN_FIELDS = (
    "title",
    "page",
    "start_char",
    "end_char",
    "width_pixels",
    "height_pixels",
    "taken_at",
    "caption",
    "alt_text",
    "language",
    "created_at",
    "ocr_text",
    "frame",
    "token_count",
)
"""Fields of a chunk that lie in the payload as they are, left out where they are None."""

_get_plain = attrgetter(*_PLAIN_FIELDS)

_RAW_PATH = "file://"

_GENERATION = re.compile(r"(?P<name>.+)__g(?P<number>\d{3,})")


def to_point_id(source_uri: str, ordinal: int) -> str:
    """Identity of a chunk's point: where it comes from, never what it says.

    It is ``str(uuid5(POINT_NAMESPACE, f"{source_uri}#{ordinal}"))`` (RFC 9562, 5.5) at a fifth of
    the cost.
    """
    named = POINT_NAMESPACE.bytes + f"{source_uri}#{ordinal}".encode()
    digest = bytearray(sha1(named, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    hexed = digest.hex()
    return f"{hexed[:8]}-{hexed[8:12]}-{hexed[12:16]}-{hexed[16:20]}-{hexed[20:]}"


def to_payload(chunk: Chunk, fingerprint: str) -> dict[str, Any]:
    """The payload of a chunk made by the pipeline with this fingerprint.

    Keys whose value is unknown are left out; :func:`from_payload` reads them as None.
    """
    record = chunk.record
    fields = {
        "modality": str(chunk.modality),
        "source_uri": record.source_uri,
        "root": record.root,
        **to_listing_payload(record),
        "media_type": record.media_type,
        "part": str(chunk.part),
        "chunk_ordinal": chunk.ordinal,
        "chunk_count": chunk.count,
        "content_hash": chunk.content_hash,
        "fingerprint": fingerprint,
        "text": chunk.text or None,
        "place": _to_geo(chunk.place),
        "keywords": list(chunk.keywords) or None,
        "headings": list(chunk.headings) or None,
        "paired_ordinals": list(chunk.paired_ordinals) or None,
        "paired_with": [to_point_id(record.source_uri, o) for o in chunk.paired_ordinals] or None,
        **dict(zip(_PLAIN_FIELDS, _get_plain(chunk), strict=True)),
    }
    fields[LABELS] = to_labels(fields)
    return {key: value for key, value in fields.items() if value is not None}


def from_payload(payload: Mapping[str, Any]) -> Chunk:
    """The chunk that :func:`to_payload` described.

    Raises:
        KeyError: The payload is not of this layout.
        ValueError: A field has a value that no chunk has.
    """
    record = Record(
        source_uri=payload["source_uri"],
        root=payload["root"],
        location=read_location(payload),
        media_type=payload["media_type"],
        modality=_read_modality(payload),
        size_bytes=payload["size_bytes"],
        modified_ns=payload.get("modified_ns"),
        metadata=payload.get(USER_FIELD, {}),
    )
    return Chunk(
        record=record,
        ordinal=payload["chunk_ordinal"],
        count=payload["chunk_count"],
        content_hash=payload["content_hash"],
        text=payload.get("text", ""),
        part=Part(payload.get("part", Part.CONTENT)),
        keywords=tuple(payload.get("keywords", ())),
        headings=tuple(payload.get("headings", ())),
        paired_ordinals=tuple(payload.get("paired_ordinals", ())),
        place=read_place(payload),
        **{name: payload.get(name) for name in _PLAIN_FIELDS},
    )


def to_point(chunk: Chunk, vector: NDArray[np.float32], fingerprint: str) -> models.PointStruct:
    """The point of a chunk.

    Args:
        chunk: What the point stands for.
        vector: Shape ``(dimension,)``, unit norm.
        fingerprint: Of the pipeline that made it.
    """
    # Unchecked: of values of our own making, validating each number costs more than all the rest.
    return models.PointStruct.model_construct(
        id=to_point_id(chunk.record.source_uri, chunk.ordinal),
        vector=to_vectors(vector.tolist(), iter_chunk_texts(chunk)),
        payload=to_payload(chunk, fingerprint),
    )


def read_vector(point: models.Record | models.ScoredPoint) -> list[float]:
    """The dense vector of a point that was asked for with its vectors."""
    found: Any = point.vector
    # Beside named vectors the unnamed one has the empty name.
    return list(found[""] if isinstance(found, dict) else found)


def to_listing_payload(record: Record) -> dict[str, Any]:
    """The payload fields that can change while the item's bytes stay the same."""
    fields = {
        "location": _to_storable(record.location),
        "size_bytes": record.size_bytes,
        "modified_ns": record.modified_ns,
        "modified_at": None if record.modified_ns is None else _to_iso(record.modified_ns),
        USER_FIELD: dict(record.metadata) or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def to_listing_digest(payload: Mapping[str, Any]) -> bytes:
    """Eight bytes that differ when what a listing says of an item differs.

    Args:
        payload: Of :func:`to_listing_payload`, or of a point.
    """
    from blake3 import blake3

    said = [payload.get(key) or None for key in ("location", "size_bytes", "modified_ns")]
    canonical = json.dumps([said, payload.get(USER_FIELD) or None], sort_keys=True)
    return blake3(canonical.encode()).digest(length=8)


def read_location(payload: Mapping[str, Any]) -> str:
    """Where a point's item was, as the operating system names it."""
    stored: str = payload["location"]
    if not stored.startswith(_RAW_PATH):
        return stored
    return os.fsdecode(unquote_to_bytes(stored.removeprefix(_RAW_PATH)))


def read_place(payload: Mapping[str, Any]) -> Place | None:
    """Where a point's photograph was taken."""
    point = payload.get("place")
    return None if point is None else Place(point["lat"], point["lon"])


def root_filter(root: str) -> models.Filter:
    """Matches every point of one root."""
    return _equality_filter("root", root)


def other_roots_filter(roots: Iterable[str]) -> models.Filter:
    """Matches every point of any other root."""
    return models.Filter(must_not=[root_filter(root) for root in roots])


def source_filter(source_uri: str) -> models.Filter:
    """Matches every point of one source item."""
    return _equality_filter("source_uri", source_uri)


def modality_filter(modality: Modality) -> models.Filter:
    """Matches every point of one modality."""
    return _equality_filter("modality", str(modality))


def root_modality_filter(root: str, modality: Modality) -> models.Filter:
    """Matches every point of one root and modality."""
    return models.Filter(must=[root_filter(root), modality_filter(modality)])


def sources_filter(source_uris: Iterable[str]) -> models.Filter:
    """Matches every point of any of these source items."""
    these = models.MatchAny(any=list(source_uris))
    return models.Filter(must=[models.FieldCondition(key="source_uri", match=these)])


def content_filter(content_hashes: Iterable[str], fingerprints: Iterable[str]) -> models.Filter:
    """Matches the first point of every item with one of these contents, made by these pipelines."""
    hashed = models.MatchAny(any=sorted(content_hashes))
    made = models.MatchAny(any=sorted(fingerprints))
    return models.Filter(
        must=[
            models.FieldCondition(key="content_hash", match=hashed),
            models.FieldCondition(key="chunk_ordinal", match=models.MatchValue(value=0)),
            models.FieldCondition(key="fingerprint", match=made),
        ]
    )


def to_generation(name: str, number: int) -> str:
    """Concrete collection name of a generation: ``name__g001``."""
    return f"{name}__g{number:03d}"


def from_generation(collection_name: str) -> tuple[str, int] | None:
    """``(name, number)`` of a generation's collection name, or None if it is not one."""
    match = _GENERATION.fullmatch(collection_name)
    return (match["name"], int(match["number"])) if match else None


def _read_modality(payload: Mapping[str, Any]) -> Modality:
    """The record's modality: a caption or a figure is of the other one."""
    own = Modality(payload["modality"])
    if payload.get("part", Part.CONTENT) == Part.CONTENT:
        return own
    return Modality.TEXT if own is Modality.IMAGE else Modality.IMAGE


def _to_geo(place: Place | None) -> dict[str, float] | None:
    """As Qdrant's geo index reads it."""
    return None if place is None else {"lat": place.latitude, "lon": place.longitude}


def _equality_filter(field: str, value: str) -> models.Filter:
    equal = models.FieldCondition(key=field, match=models.MatchValue(value=value))
    return models.Filter(must=[equal])


def _to_storable(path: str) -> str:
    """The path; one that is not UTF-8 as a file URL of its bytes, since JSON has only text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return _RAW_PATH + quote_from_bytes(os.fsencode(path))
    return path


def _to_iso(epoch_ns: int) -> str:
    """RFC 3339 in UTC with microseconds; Qdrant's datetime index reads it."""
    seconds, nanoseconds = divmod(epoch_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
    return moment.isoformat()
