"""Passages that another generation holds already lend their vectors, however they came about.

A text's vector depends on its words and the embedding space alone. So where a policy is changed,
what comes out as it was, such as a text of one window, needs no encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingest.twins import is_sound
from schemas.collection import to_point_id
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.pending import Vector
    from ingest.store.engine import Engine
    from schemas.records import Chunk

PAGE_POINTS = 256
"""Points that are read at once with their vectors."""


class Lender:
    """A collection of the same space. Safe to use from several threads.

    Args:
        engine: Where it is.
        collection_name: Its own name.
        of_given: Fingerprint of points whose vectors came with their items: they lend nothing.
    """

    def __init__(self, engine: Engine, collection_name: str, of_given: str) -> None:
        """Nothing is read yet."""
        self._engine = engine
        self._collection_name = collection_name
        self._of_given = of_given

    def find(self, chunks: Sequence[Chunk], first: int) -> dict[str, Vector]:
        """Vectors of the same words in the same item.

        Args:
            chunks: Neighbouring text chunks of one item.
            first: The ordinal that the first of them will have.

        Returns:
            Text -> its vector, for those that are found at these ordinals.

        Raises:
            StoreUnavailable: The store did not answer.
        """
        wanted = {chunk.text for chunk in chunks}
        found: dict[str, Vector] = {}
        uri = chunks[0].record.source_uri if chunks else ""
        ids = [to_point_id(uri, first + offset) for offset in range(len(chunks))]
        for start in range(0, len(ids), PAGE_POINTS):
            page = ids[start : start + PAGE_POINTS]
            for point in self._engine.retrieve(self._collection_name, page, with_vectors=True):
                payload = point.payload or {}
                vector = np.asarray(point.vector, dtype=np.float32)
                is_wanted = payload.get("text") in wanted and self._is_own(payload)
                if is_wanted and is_sound(vector):
                    found[payload["text"]] = vector
        return found

    def _is_own(self, payload: dict[str, object]) -> bool:
        """Whether the encoder has made its vector, and of its words."""
        is_given = payload.get("fingerprint") == self._of_given
        return payload.get("modality") == Modality.TEXT and not is_given
