"""The same bytes are encoded once, however many records hold them.

A record whose content is under way, or in the collection already, lends its chunks and vectors to
others of the same bytes. Only what the content itself says is lent: titles and captions that a
source gave are the record's own. (While both are under way, a record with a caption and one without
do not share; each kind is encoded once.)
"""

from __future__ import annotations

import os
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingest.fingerprint import Version
from ingest.sources.uris import FOLDER, REMOTE
from schemas.collection import content_filter, from_payload, to_point_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from qdrant_client import models

    from ingest.pending import Pending, Vector
    from ingest.store.engine import Engine
    from schemas.records import Chunk, Record

    Content = tuple[Sequence[Chunk], Sequence[Vector]]

PAGE_POINTS = 256
"""Points asked for at once when owners are looked up; one hash may have thousands."""

OWNERS = 8
"""Owners of one content that are looked at: the first will do, unless its source titled it."""

NORM_TOLERANCE = 1e-3
"""Vectors may be stored in half precision."""

_UNTITLED_SCHEMES = (f"{FOLDER}://", f"{REMOTE}://")
"""Sources of these schemes give no titles: a title in the payload is the content's own."""


class Key(NamedTuple):
    """What two records must have in common for one to lend to the other."""

    version: Version
    media_type: str
    title: str | None
    has_caption: bool
    folder: str | None

    @classmethod
    def of(cls, pending: Pending) -> Key:
        """The key of a record under way."""
        record = pending.record
        has_caption = pending.caption is not None
        return cls(pending.content, record.media_type, record.title, has_caption, pending.folder)


class Twins:
    """Who encodes which content in this run. Safe to use from several threads."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._lock = Lock()
        self._under_way: dict[Key, tuple[Pending, list[Pending]]] = {}

    def claim(self, pending: Pending) -> bool:
        """Ask for one's content to be lent.

        Returns:
            True if nobody has it: the record is to be encoded, and others wait for it. False if
            it waits for another one.
        """
        key = Key.of(pending)
        with self._lock:
            if key in self._under_way:
                self._under_way[key][1].append(pending)
                return False
            self._under_way[key] = (pending, [])
            return True

    def release(self, pending: Pending) -> list[Pending]:
        """Those who waited for a record that is written or has failed.

        Whoever claims the same content from now on finds it in the collection.
        """
        key = Key.of(pending)
        with self._lock:
            owner, waiting = self._under_way.get(key, (None, []))
            if owner is not pending:
                return []
            del self._under_way[key]
            return waiting


def find_twins(
    engine: Engine, collection_name: str, wanted: Sequence[Pending]
) -> dict[int, Content]:
    """Content of the same version that is in the collection.

    Args:
        engine: Where the collection is.
        collection_name: Its own name.
        wanted: Records whose content is looked for.

    Returns:
        Index in ``wanted`` -> chunks of that record with their vectors.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    owners = _find_owners(engine, collection_name, {one.content for one in wanted})
    found: dict[int, Content] = {}
    for index, pending in enumerate(wanted):
        for first in owners.get(pending.content, ()):
            if _may_lend(first, pending):
                content = _read_content(engine, collection_name, first, pending)
                if content is not None:
                    found[index] = content
                    break
    return found


def to_twin(chunk: Chunk, record: Record) -> Chunk:
    """The chunk of the same content in another record."""
    return replace(
        chunk,
        record=record,
        title=record.title or chunk.title,
        caption=record.caption or chunk.caption,
        paired_ordinals=(),
    )


def is_sound(vector: Vector) -> bool:
    """Whether it is finite and of unit length, as every encoder's is: damage is not lent."""
    return bool(abs(float(np.linalg.norm(vector)) - 1) <= NORM_TOLERANCE)


def _find_owners(
    engine: Engine, collection_name: str, versions: Iterable[Version]
) -> dict[Version, list[Chunk]]:
    """First chunks of items with these versions, a few for each."""
    owners: dict[Version, list[Chunk]] = {}
    missing = set(versions)
    points, further = engine.scroll(
        collection_name,
        scroll_filter=_to_filter(missing),
        limit=PAGE_POINTS,
    )
    for point in points:
        _add_owner(owners, point.payload or {})
    if further is not None:  # one hash crowded out others
        for version in missing - owners.keys():
            points, _ = engine.scroll(
                collection_name, scroll_filter=_to_filter({version}), limit=OWNERS
            )
            for point in points:
                _add_owner(owners, point.payload or {})
    return owners


def _to_filter(versions: Iterable[Version]) -> models.Filter:
    hashes, fingerprints = zip(*versions, strict=True)
    return content_filter(set(hashes), set(fingerprints))


def _add_owner(owners: dict[Version, list[Chunk]], payload: Mapping[str, Any]) -> None:
    version = Version(payload["content_hash"], payload["fingerprint"])
    owners.setdefault(version, []).append(from_payload(payload))


def _may_lend(first: Chunk, pending: Pending) -> bool:
    """Whether what the source said of the owner can be told from what the content says."""
    record = pending.record
    if first.record.media_type != record.media_type:
        return False
    if pending.folder is not None and not _lies_beside(first.record, pending):
        return False
    knows_title = first.record.source_uri.startswith(_UNTITLED_SCHEMES)
    is_title_known = record.title is not None or first.title is None or knows_title
    return is_title_known and (pending.caption is not None or not first.paired_ordinals)


def _lies_beside(record: Record, pending: Pending) -> bool:
    """Whether links lead to the same files from both, or did before the folder was renamed."""
    folder, name = os.path.split(record.location)
    if record.root != pending.record.root:
        return False
    if folder == pending.folder:
        return True
    # What lay beside it has moved along: where its folder was, there is none any more.
    is_renamed = name == os.path.basename(pending.record.location)  # noqa: PTH119 - no text
    return is_renamed and os.path.isabs(folder) and not os.path.lexists(folder)  # noqa: PTH117


def _read_content(
    engine: Engine, collection_name: str, first: Chunk, pending: Pending
) -> Content | None:
    """All of an owner's content; None if any of it is missing or of another version."""
    uri = first.record.source_uri
    count = first.count - len(first.paired_ordinals)
    points = engine.retrieve(
        collection_name, [to_point_id(uri, ordinal) for ordinal in range(count)], with_vectors=True
    )
    chunks: dict[int, Chunk] = {}
    vectors: dict[int, Vector] = {}
    for point in points:
        payload = point.payload or {}
        vector = np.asarray(point.vector, dtype=np.float32)
        is_same = (payload.get("content_hash"), payload.get("fingerprint")) == pending.content
        if is_same and is_sound(vector):
            chunk = from_payload(payload)
            chunks[chunk.ordinal] = to_twin(chunk, pending.record)
            vectors[chunk.ordinal] = vector
    if len(chunks) != count:
        return None
    return [chunks[i] for i in range(count)], [vectors[i] for i in range(count)]
