"""Counting values through ``qdrant_client``."""

# ruff: noqa: D102 - the method is documented in Faceting

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.store.translate import translated

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models


class ClientFaceting:
    """The part of :class:`ingest.store.client.ClientEngine` that counts values."""

    _client: QdrantClient
    address: str

    @translated
    def facet(
        self,
        collection_name: str,
        key: str,
        *,
        facet_filter: models.Filter | None = None,
        limit: int = 10,
        exact: bool = True,
    ) -> models.FacetResponse:
        return self._client.facet(
            collection_name, key, facet_filter=facet_filter, limit=limit, exact=exact
        )
