"""What the ledger's rows say, as the rest of the program has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from ingest.fingerprint import Version
from ingest.plan import Known
from schemas.collection import read_location, to_listing_digest
from schemas.errors import Quarantined
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qdrant_client import models

COLUMNS = "versions, points, chunk_count, last_ordinal, location, listing, media_type, title"

FAILURE_COLUMNS = "uri, location, kind, message, attempts, content_hash, fingerprint"

INSERT_ITEM = (
    f"INSERT OR REPLACE INTO items (uri, root, stamp, {COLUMNS}) VALUES ({', '.join('?' * 11)})"
)
INSERT_FAILURE = (
    f"INSERT OR REPLACE INTO failures (stamp, {FAILURE_COLUMNS}) VALUES ({', '.join('?' * 8)})"
)


class Deaths(NamedTuple):
    """What is held against an item.

    Attributes:
        times: How often the process died with it under way.
        passed_over: How many runs have set it aside since the last time.
    """

    times: int
    passed_over: int


class Settled(NamedTuple):
    """One item whose outcome is final.

    Attributes:
        uri: The item.
        stamp: Of the listing that the outcome is of; None if it is not to be relied on.
        known: What the collection holds of it now; None where that is as it was.
        failure: Why it failed, if it did.
    """

    uri: str
    stamp: str | None
    known: Known | None
    failure: Failure | None


def is_set_aside(failure: Failure) -> bool:
    """Whether an item was not even tried."""
    return failure.kind == Quarantined.__name__


def to_row(known: Known) -> tuple[str | int | bytes | None, ...]:
    """The values of :data:`COLUMNS`.

    A location may hold bytes that are no text, which SQLite does not take as they are.
    """
    return (
        json.dumps(sorted(known.versions)),
        known.points,
        known.chunk_count,
        known.last_ordinal,
        json.dumps(known.location),
        known.listing,
        known.media_type,
        known.title,
    )


def from_row(row: Sequence[str | int | bytes | None]) -> Known:
    """What :func:`to_row` was given."""
    versions, points, chunk_count, last_ordinal, location, listing, media_type, title = row
    return Known(
        versions=frozenset(Version(*one) for one in json.loads(str(versions))),
        points=int(points or 0),
        chunk_count=int(chunk_count or 0),
        last_ordinal=int(last_ordinal or 0),
        location=json.loads(str(location)),
        listing=bytes(listing) if isinstance(listing, bytes) else b"",
        media_type=str(media_type),
        title=None if title is None else str(title),
    )


def to_known(points: Sequence[models.PointStruct]) -> Known:
    """What the collection holds of an item once these points, all of them its own, are in it."""
    payloads = [point.payload or {} for point in points]
    last = payloads[-1]
    return Known(
        versions=frozenset(Version(one["content_hash"], one["fingerprint"]) for one in payloads),
        points=len(points),
        chunk_count=last["chunk_count"],
        last_ordinal=max(one["chunk_ordinal"] for one in payloads),
        location=read_location(last),
        listing=to_listing_digest(last),
        media_type=last["media_type"],
        title=last.get("title"),
    )


def to_failure(row: Sequence[str | int]) -> Failure:
    """A failure from its :data:`FAILURE_COLUMNS`."""
    uri, location, kind, message, attempts, content_hash, fingerprint = row
    return Failure(
        source_uri=str(uri),
        location=json.loads(str(location)),
        kind=str(kind),
        message=json.loads(str(message)),
        attempts=int(attempts),
        content_hash=str(content_hash),
        fingerprint=str(fingerprint),
    )


def from_failure(failure: Failure) -> tuple[str | int, ...]:
    """The values of :data:`FAILURE_COLUMNS`."""
    return (
        failure.source_uri,
        json.dumps(failure.location),
        failure.kind,
        json.dumps(failure.message),
        failure.attempts,
        failure.content_hash,
        failure.fingerprint,
    )
