"""What is already indexed, read from the payloads: the collection itself is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING

from ingest.fingerprint import Version
from ingest.sources.uris import to_source_uri
from schemas.collection import USER_FIELD, read_location, root_filter, to_listing_digest

if TYPE_CHECKING:
    from collections.abc import Collection

    from qdrant_client import models

    from ingest.sources.source import Source
    from ingest.store.engine import Engine
    from schemas.records import Record

PAGE_POINTS = 1_000
"""Points read in one request."""

FIELDS = [
    "source_uri",
    "content_hash",
    "fingerprint",
    "chunk_count",
    "chunk_ordinal",
    "location",
    "media_type",
    "title",
    "modified_ns",
    "size_bytes",
    USER_FIELD,
]
"""What of a payload :func:`add_point` needs."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the collection holds of one item.

    Attributes:
        versions: The versions of its points; more than it has parts after an update that was
            cut short.
        points: How many points it has.
        chunk_count: How many it should have.
        last_ordinal: The highest chunk ordinal among them.
        location: Where it was when it was last listed.
        listing: Digest of what its last listing said of it.
        media_type: As what it was decoded.
        title: What its points are titled with, whoever gave the title.
    """

    versions: frozenset[Version]
    points: int
    chunk_count: int
    last_ordinal: int
    location: str
    listing: bytes
    media_type: str
    title: str | None

    def holds(self, versions: Collection[Version]) -> bool:
        """Whether every point of exactly these versions is there, and nothing else."""
        return self.points == self.chunk_count and self.versions == frozenset(versions)

    def is_described_by(self, record: Record) -> bool:
        """Whether its points say of it what the listing says now.

        A title that a source has withdrawn is kept: it may be the content's own.
        """
        has_title = record.title is None or record.title == self.title
        return has_title and record.media_type == self.media_type


def read_known(engine: Engine, collection_name: str, source: Source) -> dict[str, Known]:
    """Everything that is indexed of a source's root, by source URI.

    Memory grows with the number of items of that root (some 300 bytes each).

    Raises:
        StoreUnavailable: The store did not answer.
    """
    prefix = to_source_uri(source.name, "", source.scheme)
    known = read_root(engine, collection_name, source.name)
    return {uri: item for uri, item in known.items() if uri.startswith(prefix)}


def read_root(engine: Engine, collection_name: str, root: str) -> dict[str, Known]:
    """Everything that is indexed under a root's name, by sources of whatever kind.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    known: dict[str, Known] = {}
    offset: models.ExtendedPointId | None = None
    while True:
        points, offset = engine.scroll(
            collection_name,
            scroll_filter=root_filter(root),
            limit=PAGE_POINTS,
            offset=offset,
            with_payload=FIELDS,
        )
        for point in points:
            add_point(known, point.payload or {})
        if offset is None:
            return known


def add_point(known: dict[str, Known], payload: models.Payload) -> None:
    """Add one point to what is known of its item.

    Raises:
        KeyError: The payload lacks some of :data:`FIELDS`.
    """
    uri = payload["source_uri"]
    version = Version(payload["content_hash"], payload["fingerprint"])
    before = known.get(uri)
    known[uri] = Known(
        versions=frozenset({version}) | (before.versions if before else frozenset()),
        points=1 + (before.points if before else 0),
        chunk_count=payload["chunk_count"],
        last_ordinal=max(payload["chunk_ordinal"], before.last_ordinal if before else 0),
        location=read_location(payload),
        listing=to_listing_digest(payload),
        media_type=intern(payload["media_type"]),
        title=payload.get("title"),
    )
