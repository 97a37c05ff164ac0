"""The part of the engine API that counts values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from qdrant_client import models


class Faceting(Protocol):
    """A store that counts the values of a payload field; :class:`ingest.store.engine.Engine` is."""

    def facet(
        self,
        collection_name: str,
        key: str,
        *,
        facet_filter: models.Filter | None = None,
        limit: int = 10,
        exact: bool = True,
    ) -> models.FacetResponse:
        """How many points have each value of a field.

        Args:
            collection_name: Of a collection or an alias.
            key: A field with an index of words or whole numbers.
            facet_filter: Which points are counted; None for all.
            limit: How many values at most.
            exact: Whether to count every point.

        Returns:
            The most frequent values with their counts, equal counts by value. A point with several
            values counts for each of them.

        Raises:
            StoreRejected: The field has no such index; memory, which has none, counts any field.
        """
        ...
