"""The images of a collection: read with their vectors, and given tags."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import numpy as np

from ingest.store.connect import is_server
from ingest.store.lease import Lease, hold
from ingest.store.payload_indexes import ensure_payload_indexes
from ingest.store.writer import Writer
from schemas.collection import read_vector
from schemas.payload_indexes import TAGS
from schemas.records import Modality
from search.annotate.yardstick import MOST_IMAGES
from search.filters import to_filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from qdrant_client import models

    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.where import Where

PAGE_POINTS: Final = 256

_FIELDS = ["source_uri", "location"]


def iter_pages(
    engine: Engine, generation: str, where: Where | Sequence[Where] | None = None
) -> Iterator[list[models.Record]]:
    """The image points that meet the conditions, in the order of their ids, with their vectors.

    Raises:
        UnknownField: ``where`` names a field that is neither indexed nor ``metadata.NAME``.
        StoreError: The store failed.
    """
    chosen = to_filter(Modality.IMAGE, where)
    offset: models.ExtendedPointId | None = None
    while True:
        points, offset = engine.scroll(
            generation,
            chosen,
            limit=PAGE_POINTS,
            offset=offset,
            with_payload=_FIELDS,
            with_vectors=True,
        )
        if points:
            yield points
        if offset is None:
            return


def read_typical_images(engine: Engine, generation: str) -> NDArray[np.float32]:
    """The vectors of up to ``MOST_IMAGES`` images of a collection.

    Those with the lowest ids: ids are hashes, so these are a random sample, the same every time.

    Returns:
        Shape ``(n, dimension)``; ``(0, 0)`` where there is no image.
    """
    points, _ = engine.scroll(
        generation,
        to_filter(Modality.IMAGE),
        limit=MOST_IMAGES,
        with_payload=False,
        with_vectors=True,
    )
    return to_rows(points)


def to_rows(points: Sequence[models.Record]) -> NDArray[np.float32]:
    """The points' vectors, a row each."""
    rows = [read_vector(point) for point in points]
    return np.asarray(rows, dtype=np.float32) if rows else np.empty((0, 0), dtype=np.float32)


class TagWriter:
    """Writes the field ``tags`` of points, and no other. Made by :func:`open_tag_writer`.

    Args:
        writer: Writes to the collection.
    """

    def __init__(self, writer: Writer) -> None:
        """Nothing is written yet."""
        self._writer = writer

    def write(self, tags: Mapping[str, Sequence[str]]) -> None:
        """Set the tags of points, by id; no tags take earlier ones away.

        Raises:
            LockHeld: A run has taken over the collection.
            StoreError: The store failed.
        """
        alike: dict[tuple[str, ...], list[models.ExtendedPointId]] = {}
        for point_id, labels in tags.items():
            alike.setdefault(tuple(labels), []).append(point_id)
        for labels, ids in alike.items():
            self._writer.set_payload({TAGS: list(labels)}, ids)


@contextmanager
def open_tag_writer(engine: Engine, generation: str, settings: Settings) -> Iterator[TagWriter]:
    """A writer that keeps runs of ingestion away as they keep each other away.

    The index of the field is made where it is missing.

    Raises:
        LockHeld: A run is writing to the collection.
        StoreError: The store failed.
    """
    ensure_payload_indexes(engine, generation)
    if not is_server(settings.url):
        yield TagWriter(Writer(engine, generation))  # a folder's lock is held already
    else:
        lease = Lease(engine, generation, place=str(uuid4()), seconds=settings.lease_seconds)
        with hold(lease):
            yield TagWriter(Writer(engine, generation, before_write=lease.check))
    engine.flush()
