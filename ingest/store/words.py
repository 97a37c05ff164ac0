"""Words brought to a collection that was made before points had them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from schemas.errors import StoreRejected
from schemas.vectors import sparse_vector_params, to_sparse_vector
from schemas.words import (
    WORD_FIELDS,
    WORDS,
    WORDS_VERSION,
    iter_payload_texts,
    to_document_weights,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qdrant_client import models

    from ingest.store.engine import Engine

_LOG = logging.getLogger(__name__)

PAGE_POINTS: Final = 256


def ensure_words(engine: Engine, generation: str) -> bool:
    """Make every point of a collection have its words, from its payload; encodes nothing.

    It is done once: the collection's metadata says so. What was cut short is begun again.

    Args:
        engine: Where it is. No other run may write to the collection meanwhile.
        generation: Its own name.

    Returns:
        Whether there was anything to do.

    Raises:
        StoreRejected: The server is too old to add a vector to a collection.
        StoreUnavailable: The store did not answer; call again.
    """
    if engine.read_metadata(generation).get(WORDS) == WORDS_VERSION:
        return False
    _LOG.info("%s: every point is given its words, once", generation)
    _ensure_vector(engine, generation)
    offset: models.ExtendedPointId | None = None
    while True:
        points, offset = engine.scroll(
            generation, limit=PAGE_POINTS, offset=offset, with_payload=list(WORD_FIELDS)
        )
        if updates := list(_iter_updates(points)):
            engine.update_vectors(generation, updates)
        if offset is None:
            break
    engine.flush()
    engine.update_collection(generation, metadata={WORDS: WORDS_VERSION})
    return True


def _ensure_vector(engine: Engine, generation: str) -> None:
    """The sparse vector itself, still empty."""
    from qdrant_client import models

    if WORDS in (engine.get_collection(generation).config.params.sparse_vectors or {}):
        return
    (params,) = sparse_vector_params().values()
    sparse = models.SparseVectorConfig(modifier=params.modifier)
    config = models.SparseVectorNameConfig(sparse=sparse)
    try:
        engine.create_vector_name(generation, WORDS, config)
    except StoreRejected as error:
        raise StoreRejected(
            f"{generation} was made before points had words, and they cannot be added ({error}); "
            "update the Qdrant server to 1.18 or newer"
        ) from error


def _iter_updates(points: Iterable[models.Record]) -> Iterable[models.PointVectors]:
    from qdrant_client import models

    for point in points:
        words = to_document_weights(iter_payload_texts(point.payload or {}))
        if words.indices:
            yield models.PointVectors(id=point.id, vector={WORDS: to_sparse_vector(words)})
