"""An item as its source has it now, and what the collection holds of it: in what they differ."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingest.chunk import hash_content
from ingest.decode.characters import to_normal_text
from ingest.fingerprint import Version
from schemas.collection import to_listing_digest, to_listing_payload
from schemas.errors import SourceTooLarge, UnsupportedModality

if TYPE_CHECKING:
    from ingest.fingerprint import Fingerprints
    from ingest.plan import Known
    from ingest.sources.source import Source
    from schemas.records import Record
    from schemas.space import EmbeddingSpace


class Aspect(Enum):
    """In what an item and its points differ."""

    POINTS = auto()
    BYTES = auto()
    PIPELINE = auto()
    LISTING = auto()


class Difference(NamedTuple):
    """The first and weightiest difference.

    Attributes:
        aspect: In what.
        reason: For people.
    """

    aspect: Aspect
    reason: str


def check_modality(record: Record, space: EmbeddingSpace) -> None:
    """Refuse a record that the encoder has no tower for.

    Raises:
        UnsupportedModality: It is of another modality.
    """
    if record.modality not in space.modalities:
        raise UnsupportedModality(
            f"{space.model_id} encodes no {record.modality}s; choose a model that does, "
            f"or leave them out with --exclude"
        )


def read_content(source: Source, record: Record, max_bytes: int) -> bytes:
    """The content; of a record with a vector only what the listing brought.

    Raises:
        UnreadableSource: It cannot be had.
        SourceTooLarge: It has more than ``max_bytes``.
    """
    if record.content is None and record.vector is None:
        return source.read(record, max_bytes)
    content = record.content or b""
    if len(content) > max_bytes:
        raise SourceTooLarge(
            record.source_uri,
            f"{len(content):,} bytes, over the limit of {max_bytes:,}; raise max_source_bytes",
        )
    return content


def to_described(record: Record) -> Record:
    """The record without its bytes, which must not stay in memory until it is written.

    A caption without words is none.
    """
    caption = record.caption if to_normal_text(record.caption or "").strip() else None
    if record.content is None and caption == record.caption:
        return record
    return replace(record, content=None, caption=caption)


def to_version(record: Record, content: bytes, fingerprints: Fingerprints) -> Version:
    """The version of a record's content."""
    return Version(hash_record(record, content), fingerprints.of(record))


def hash_record(record: Record, content: bytes) -> str:
    """Hash of a record's content; a vector that came with it is part of that."""
    if record.vector is not None:
        content += np.asarray(record.vector, dtype=np.float32).tobytes()
    return hash_content(content)


def to_caption_version(record: Record, fingerprints: Fingerprints) -> Version | None:
    """The version of the caption of a record of :func:`to_described`, if it has one."""
    if not record.caption:
        return None
    hashed = hash_content(record.caption.encode(errors="surrogatepass"))
    return Version(hashed, fingerprints.of_text)


def find_difference(
    known: Known, record: Record, fingerprints: Fingerprints, content: Version | None
) -> Difference | None:
    """In what the points of a listed item are not what they would be if it were indexed now.

    Args:
        known: What the collection holds of it.
        record: As it is listed.
        fingerprints: Of the pipeline.
        content: Of :func:`to_version`; None where its bytes are known to be the indexed ones.
    """
    if known.points != known.chunk_count:
        points = f"{known.points:,} of {known.chunk_count:,} points"
        return Difference(Aspect.POINTS, f"incomplete: {points}")
    described = to_described(record)
    caption = to_caption_version(described, fingerprints)
    wanted = {version for version in (content, caption) if version}
    made_by = {fingerprints.of(record)} | ({caption.fingerprint} if caption else set())
    if content is not None and _hashes(wanted) != _hashes(known.versions):
        return Difference(Aspect.BYTES, "bytes changed")
    is_same = known.versions == wanted if content else known.versions >= wanted
    if not is_same or {version.fingerprint for version in known.versions} != made_by:
        return Difference(Aspect.PIPELINE, "pipeline changed")
    listing = to_listing_digest(to_listing_payload(record))
    if not known.is_described_by(record) or known.listing != listing:
        return Difference(Aspect.LISTING, "listing changed")
    return None


def _hashes(versions: set[Version] | frozenset[Version]) -> set[str]:
    return {version.content_hash for version in versions}
