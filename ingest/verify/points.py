"""Every point of a collection, looked at once: is it what its payload says, and can it be found?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingest.migrate.checks import NORM_TOLERANCE
from ingest.plan import FIELDS, add_point
from schemas.audit import Finding, FindingKind
from schemas.collection import read_location, to_point_id

if TYPE_CHECKING:
    from collections.abc import Container
    from threading import Event

    from qdrant_client import models

    from ingest.fingerprint import Fingerprints
    from ingest.plan import Known
    from ingest.store.engine import Engine

PAGE_POINTS = 256
"""Points in one request: with vectors of a thousand numbers about 1 MB."""

REMOVED = frozenset({FindingKind.DUPLICATED, FindingKind.NON_FINITE})
"""Points of these kinds are of no use to anybody. One of a wrong space is replaced in its place, so
that a change of the pipeline leaves no gap."""


class BadPoint(NamedTuple):
    """A point that is not as it should be.

    Attributes:
        id: Of the point.
        finding: What is the matter with it.
    """

    id: models.ExtendedPointId
    finding: Finding


@dataclass(slots=True)
class Scan:
    """What a collection holds. Memory grows with its items, not with its points.

    Attributes:
        known: Root -> URI -> what is there of the item. Points under a wrong id are not in it.
        bad: What is wrong with single points.
        points: How many points there are.
        is_whole: Whether all of them were looked at.
    """

    known: dict[str, dict[str, Known]] = field(default_factory=dict)
    bad: list[BadPoint] = field(default_factory=list)
    points: int = 0
    is_whole: bool = False

    @property
    def damaged(self) -> set[str]:
        """Items of which a point has a finding of its own that says why they are not whole."""
        return {
            one.finding.source_uri
            for one in self.bad
            if one.finding.kind is not FindingKind.DUPLICATED
        }


def scan_points(
    engine: Engine, collection_name: str, fingerprints: Fingerprints, stopping: Event
) -> Scan:
    """Look at every point, a page at a time.

    Args:
        engine: Where they are.
        collection_name: A generation's own name.
        fingerprints: Of the pipeline that should have made them.
        stopping: Ends it early.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    scan = Scan()
    made = fingerprints.every
    dimension = fingerprints.space.dimension
    offset: models.ExtendedPointId | None = None
    while not stopping.is_set():
        points, offset = engine.scroll(
            collection_name,
            limit=PAGE_POINTS,
            offset=offset,
            with_payload=["root", *FIELDS],
            with_vectors=True,
        )
        for point in points:
            _add(scan, point, made, dimension)
        if offset is None:
            scan.is_whole = True
            break
    return scan


def _add(scan: Scan, point: models.Record, made: Container[str], dimension: int) -> None:
    payload = point.payload or {}
    scan.points += 1
    problem = _find_problem(point, payload, made, dimension)
    if problem is not None:
        kind, message = problem
        finding = Finding(kind, _read_uri(payload), _read_place(payload), message)
        scan.bad.append(BadPoint(point.id, finding))
    if problem is None or problem[0] is not FindingKind.DUPLICATED:
        add_point(scan.known.setdefault(payload["root"], {}), payload)


def _find_problem(
    point: models.Record, payload: models.Payload, made: Container[str], dimension: int
) -> tuple[FindingKind, str] | None:
    name = f"point {point.id}"
    if not _is_ours(point, payload):
        return FindingKind.DUPLICATED, f"{name} is not the one of the item that its payload names"
    vector = np.asarray(point.vector, dtype=np.float32)
    if vector.shape != (dimension,):
        return FindingKind.WRONG_SPACE, f"{name} has not {dimension} numbers"
    if payload["fingerprint"] not in made:
        return FindingKind.WRONG_SPACE, f"{name} was made by another model or with other settings"
    if not np.isfinite(vector).all():
        return FindingKind.NON_FINITE, f"{name} has a vector that is not finite"
    if abs(float(np.linalg.norm(vector)) - 1) > NORM_TOLERANCE:
        return FindingKind.NON_FINITE, f"{name} has a vector that is not of unit length"
    return None


def _is_ours(point: models.Record, payload: models.Payload) -> bool:
    """Whether the payload is of our layout, and the id that of what it names."""
    uri, ordinal, count = (
        payload.get(key) for key in ("source_uri", "chunk_ordinal", "chunk_count")
    )
    words = [
        payload.get(key)
        for key in ("root", "content_hash", "fingerprint", "location", "media_type")
    ]
    if not isinstance(uri, str) or not all(isinstance(word, str) for word in words):
        return False
    if not isinstance(ordinal, int) or not isinstance(count, int):
        return False
    return str(point.id) == to_point_id(uri, ordinal)


def _read_uri(payload: models.Payload) -> str:
    uri = payload.get("source_uri")
    return uri if isinstance(uri, str) else ""


def _read_place(payload: models.Payload) -> str:
    return read_location(payload) if isinstance(payload.get("location"), str) else ""
