"""What is already indexed, read from the payloads: the collection itself is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.collection import read_location, root_filter
from schemas.records import Modality

if TYPE_CHECKING:
    from qdrant_client import models

    from ingest.store.engine import Engine
    from schemas.space import EmbeddingSpace

PAGE_POINTS = 1_000
"""Points read in one request."""

_FIELDS = [
    "source_uri",
    "content_hash",
    "fingerprint",
    "chunk_count",
    "chunk_ordinal",
    "location",
    "modified_ns",
]


@dataclass(frozen=True, slots=True)
class Known:
    """What the collection holds of one item.

    Attributes:
        versions: The pairs (content hash, pipeline fingerprint) of its points; more than one
            after an update that was cut short.
        points: How many points it has.
        chunk_count: How many it should have.
        last_ordinal: The highest chunk ordinal among them.
        location: Where it was when it was last listed.
        modified_ns: When it had been modified, in nanoseconds since the epoch.
    """

    versions: frozenset[tuple[str, str]]
    points: int
    chunk_count: int
    last_ordinal: int
    location: str
    modified_ns: int

    def holds(self, content_hash: str, fingerprint: str) -> bool:
        """Whether every point of exactly this version is there, and nothing else."""
        whole = self.points == self.chunk_count
        return whole and self.versions == {(content_hash, fingerprint)}


def to_fingerprint(space: EmbeddingSpace, modality: Modality, overlap_tokens: int) -> str:
    """Fingerprint of the pipeline: all that decides an item's points besides its bytes.

    That is the space, which has the decode and chunk versions in it, and for texts the overlap of
    their chunks.
    """
    if modality is Modality.IMAGE:
        return space.fingerprint
    from blake3 import blake3

    named = f"{space.fingerprint}/overlap_tokens={overlap_tokens}"
    return f"blake3:{blake3(named.encode()).hexdigest()}"


def read_known(engine: Engine, collection_name: str, root: str) -> dict[str, Known]:
    """Everything that is indexed of a root, by source URI.

    Memory grows with the number of items of that root (some 300 bytes each).

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
            with_payload=_FIELDS,
        )
        for point in points:
            _add(known, point.payload or {})
        if offset is None:
            return known


def _add(known: dict[str, Known], payload: models.Payload) -> None:
    uri = payload["source_uri"]
    version = (payload["content_hash"], payload["fingerprint"])
    before = known.get(uri)
    known[uri] = Known(
        versions=frozenset({version}) | (before.versions if before else frozenset()),
        points=1 + (before.points if before else 0),
        chunk_count=payload["chunk_count"],
        last_ordinal=max(payload["chunk_ordinal"], before.last_ordinal if before else 0),
        location=read_location(payload),
        modified_ns=payload["modified_ns"],
    )
