"""Something in the collection as a query: its own vector, without encoding anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from schemas.collection import read_vector, source_filter
from schemas.errors import QueryError
from schemas.records import Modality, Part
from schemas.shown import to_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.store.engine import Engine

MOST_CHUNKS = 256
"""Chunks of a document whose mean stands for it; of a longer one the first so many."""

_FIELDS = ["source_uri", "modality", "part", "chunk_ordinal"]


@dataclass(frozen=True, slots=True, eq=False)
class IndexedItem:
    """What a collection knows of one of its items.

    Attributes:
        source_uri: The item.
        vector: Shape ``(dimension,)``, float32, unit length.
        modality: Of what the vector stands for.
    """

    source_uri: str
    vector: NDArray[np.float32]
    modality: Modality


def read_item(engine: Engine, generation: str, name: str) -> IndexedItem:
    """An item by its source URI, or one of its points by id.

    A point's vector is its own. An item's is the mean of its content's, that of an image with one
    frame the one it has; captions and figures do not count.

    Raises:
        QueryError: The collection has neither.
        StoreError: The store failed.
    """
    points = _read_point(engine, generation, name) or _read_source(engine, generation, name)
    if not points:
        raise QueryError(
            f"{to_shown(name)} is not in the collection: give a hit's source_uri or point_id as it "
            "stands"
        )
    payload = points[0].payload or {}
    vectors = np.asarray([read_vector(point) for point in points], dtype=np.float64)
    mean = vectors.mean(axis=0)
    return IndexedItem(
        payload["source_uri"],
        np.asarray(mean / np.linalg.norm(mean), dtype=np.float32),
        Modality(payload["modality"]),
    )


def _read_point(engine: Engine, generation: str, name: str) -> Sequence[Any]:
    try:
        point_id = str(UUID(name))
    except ValueError:
        return []
    return engine.retrieve(generation, [point_id], with_payload=_FIELDS, with_vectors=True)


def _read_source(engine: Engine, generation: str, name: str) -> Sequence[Any]:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of a command line that were no UTF-8: nothing has this name
        return []
    points, _ = engine.scroll(
        generation,
        source_filter(name),
        limit=MOST_CHUNKS,
        with_payload=_FIELDS,
        with_vectors=True,
    )
    own = [one for one in points if (one.payload or {}).get("part") == Part.CONTENT]
    return own or points
