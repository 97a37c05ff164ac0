"""Aliases: what the engine API has for names that mean collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qdrant_client import models


class AliasEngine(Protocol):
    """The part of an engine that keeps aliases; raises as all of it does."""

    def get_aliases(self) -> models.CollectionsAliasesResponse:
        """All aliases with their collections."""
        ...

    def get_collection_aliases(self, collection_name: str) -> models.CollectionsAliasesResponse:
        """The aliases of one collection."""
        ...

    def update_collection_aliases(
        self, change_aliases_operations: Sequence[models.AliasOperations]
    ) -> bool:
        """Apply all changes or none, at once for readers; an alias that exists is moved.

        Raises:
            CollectionMissing: An alias would point to nothing.
            StoreRejected: An alias would take the name of a collection.
        """
        ...
