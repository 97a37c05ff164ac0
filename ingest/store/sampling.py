"""A random sample of a collection, the same every time.

Point ids are hashes, so the points that follow an id, in the order of ids, are a random sample; it
is the same whichever run wrote the points, and follows deletions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from schemas.collection import modality_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qdrant_client import models

    from ingest.store.engine import Engine
    from schemas.records import Modality

PLACES: Final = 16
"""Places in the order of ids that a sample is taken from."""


def read_sample(
    engine: Engine, generation: str, modality: Modality, *, limit: int, fields: Sequence[str]
) -> list[models.Record]:
    """Points of a modality with their vectors.

    Args:
        engine: The store.
        generation: The collection's own name.
        modality: Whose points.
        limit: How many at most; rounded down to a multiple of ``PLACES``.
        fields: Of the payload.

    Raises:
        StoreError: The store failed.
    """
    points: dict[object, models.Record] = {}
    for place in range(PLACES):
        page, _ = engine.scroll(
            generation,
            modality_filter(modality),
            limit=limit // PLACES,
            offset=str(UUID(int=place * (2**128 // PLACES))),
            with_payload=list(fields),
            with_vectors=True,
        )
        points |= {point.id: point for point in page}
    return list(points.values())
