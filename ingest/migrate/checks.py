"""What must hold of a new generation before it is published."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from ingest.encoders.canary import check_canary
from ingest.plan import PAGE_POINTS
from ingest.sync.sweep import FEW_ITEMS
from schemas.collection import to_point_id
from schemas.errors import MigrationRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qdrant_client import models

    from ingest.store.collections import ConcreteCollection
    from ingest.sync.session import Session
    from schemas.report import Failure, RunReport

SAMPLED_POINTS = 50
"""Points that are read back and looked at."""

NORM_TOLERANCE = 1e-3
"""Vectors may be stored in half precision."""

SHOWN = 5


def check_generation(session: Session) -> None:
    """Counts, canary, and a sample of vectors.

    Raises:
        MigrationRefused: Something does not hold; says what.
        SpaceMismatch: The encoder does not give the canary's vectors any more.
        StoreUnavailable: The store did not answer.
    """
    check_canary(session.encoder, session.collection.canary, session.encoder.space.modalities)
    name = session.collection.name
    counted = session.engine.count(name).count
    expected = session.ledger.count_all_points()
    if counted != expected:
        raise MigrationRefused(
            f"{name} has {counted:,} points, {expected:,} were written: run the same command again"
        )
    for point in _sample(session):
        _check_point(point, session.encoder.space.dimension, name)


def check_items(session: Session, live: ConcreteCollection, failures: Iterable[Failure]) -> None:
    """Everything that is in the live generation must be in the new one, but for a few.

    What vanished from the sources since the live generation was last synchronised may be missing:
    no more of a root than a synchronisation would remove, and nothing that failed or lies in a
    folder that could not be listed.

    Raises:
        MigrationRefused: More is missing, or a whole root.
        StoreUnavailable: The store did not answer.
    """
    share = session.settings.max_delete_share
    failed = {failure.source_uri for failure in failures}
    for root, uris in _read_items(session, live).items():
        missing = [uri for uri in uris if uri not in session.ledger]
        is_few = len(missing) < len(uris) and len(missing) <= max(FEW_ITEMS, share * len(uris))
        if is_few and not any(_has_failed(uri, failed) for uri in missing):
            continue
        raise MigrationRefused(
            f"{root}: {len(missing):,} of the {len(uris):,} items that are in {live.name} are not "
            f"in the new generation, e.g. {min(missing)}: is a disk not mounted, or a root not "
            "remembered (diptych sync SOURCE)? If it is as it should be: --allow-missing"
        )


def _has_failed(uri: str, failed: set[str]) -> bool:
    """Whether it, or a folder above it, is among those that failed."""
    parts = uri.split("/")
    above = ("/".join(parts[:end]) + "/" for end in range(3, len(parts)))
    return uri in failed or not failed.isdisjoint(above)


def _read_items(session: Session, live: ConcreteCollection) -> dict[str, set[str]]:
    """Source URIs of the live generation, by root."""
    found: dict[str, set[str]] = {}
    offset: models.ExtendedPointId | None = None
    while True:
        points, offset = session.engine.scroll(
            live.name, limit=PAGE_POINTS, offset=offset, with_payload=["root", "source_uri"]
        )
        for point in points:
            payload = point.payload or {}
            found.setdefault(payload["root"], set()).add(payload["source_uri"])
        if offset is None:
            return found


def check_failures(reports: Iterable[RunReport], before: Iterable[Failure]) -> None:
    """No item may fail that is indexed in the live generation.

    Args:
        reports: Of the last pass over every root.
        before: What fails in the live generation.

    Raises:
        MigrationRefused: There are such items; names the first of them.
    """
    known = {failure.source_uri for failure in before}
    new = [one for report in reports for one in report.failures if one.source_uri not in known]
    if new:
        named = ", ".join(f"{one.source_uri} ({one.kind})" for one in new[:SHOWN])
        raise MigrationRefused(
            f"{len(new):,} items cannot be indexed that did not fail before: {named}"
            f"{', ...' if len(new) > SHOWN else ''}; mend them, or go on without with "
            "--allow-missing"
        )


def _sample(session: Session) -> list[models.Record]:
    start = str(UUID(int=random.SystemRandom().getrandbits(128)))
    name, engine = session.collection.name, session.engine
    points, _ = engine.scroll(name, limit=SAMPLED_POINTS, offset=start, with_vectors=True)
    missing = SAMPLED_POINTS - len(points)
    if missing > 0:
        points += engine.scroll(name, limit=missing, with_vectors=True)[0]
    return points


def _check_point(point: models.Record, dimension: int, name: str) -> None:
    payload = point.payload or {}
    vector = np.asarray(point.vector, dtype=np.float32)
    is_sound = vector.shape == (dimension,) and bool(np.isfinite(vector).all())
    if not is_sound or abs(float(np.linalg.norm(vector)) - 1) > NORM_TOLERANCE:
        raise MigrationRefused(
            f"{name}: the vector of {payload.get('source_uri')} is damaged; run diptych migrate "
            "--prune-generations --abandon, and build anew"
        )
    if str(point.id) != to_point_id(payload["source_uri"], payload["chunk_ordinal"]):
        raise MigrationRefused(f"{name}: point {point.id} is not what its payload says")
