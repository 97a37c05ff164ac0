"""A server, or memory, through ``qdrant_client``.

A thin layer with three duties: foreign exceptions become ours, vectors that could never be found
again are refused, and rounding does not push a cosine out of [-1, 1].
"""

# ruff: noqa: D102 - the methods are documented in Engine

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qdrant_client.http.models import WriteOrdering

from ingest.store.client_faceting import ClientFaceting
from ingest.store.client_vectors import ClientVectors, clamp_scores, to_plain_vectors, to_selector
from ingest.store.engine import Engine
from ingest.store.translate import translated
from ingest.store.vectors import check_distance, check_points, check_requests, check_vector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qdrant_client import QdrantClient, models
    from qdrant_client.http.models import QueryResponse  # models' own is another class

    from ingest.store.engine import PayloadFields, PointsSelector
    from schemas.payload_indexes import PayloadIndex


class ClientEngine(ClientFaceting, ClientVectors, Engine):
    """An engine on a ``QdrantClient``.

    Args:
        client: Connected; closed with the engine.
        address: Where the store is, for messages.

    Attributes:
        address: Likewise.
    """

    def __init__(self, client: QdrantClient, address: str) -> None:
        """Take the client over."""
        super().__init__(client, address)

    @translated
    def create_collection(  # noqa: PLR0913 - the parameters are QdrantClient's
        self,
        collection_name: str,
        vectors_config: models.VectorParams,
        *,
        sparse_vectors_config: Mapping[str, models.SparseVectorParams] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hnsw_config: models.HnswConfigDiff | None = None,
        optimizers_config: models.OptimizersConfigDiff | None = None,
        quantization_config: models.QuantizationConfig | None = None,
        on_disk_payload: bool | None = None,
    ) -> bool:
        check_distance(collection_name, vectors_config)
        return self._client.create_collection(
            collection_name,
            vectors_config,
            sparse_vectors_config=sparse_vectors_config,
            metadata=None if metadata is None else dict(metadata),
            hnsw_config=hnsw_config,
            optimizers_config=optimizers_config,
            quantization_config=quantization_config,
            on_disk_payload=on_disk_payload,
        )

    @translated
    def update_collection(self, collection_name: str, *, metadata: Mapping[str, Any]) -> bool:
        return self._client.update_collection(collection_name, metadata=dict(metadata))

    @translated
    def delete_collection(self, collection_name: str) -> bool:
        return self._client.delete_collection(collection_name)

    @translated
    def collection_exists(self, collection_name: str) -> bool:
        return self._client.collection_exists(collection_name)

    @translated
    def get_collection(self, collection_name: str) -> models.CollectionInfo:
        return self._client.get_collection(collection_name)

    @translated
    def read_metadata(self, collection_name: str) -> Mapping[str, Any]:
        return self._client.get_collection(collection_name).config.metadata or {}

    @translated
    def get_collections(self) -> models.CollectionsResponse:
        return self._client.get_collections()

    @translated
    def get_aliases(self) -> models.CollectionsAliasesResponse:
        return self._client.get_aliases()

    @translated
    def get_collection_aliases(self, collection_name: str) -> models.CollectionsAliasesResponse:
        return self._client.get_collection_aliases(collection_name)

    @translated
    def update_collection_aliases(
        self, change_aliases_operations: Sequence[models.AliasOperations]
    ) -> bool:
        return self._client.update_collection_aliases(list(change_aliases_operations))

    @translated
    def create_payload_index(
        self,
        collection_name: str,
        field_name: str,
        field_schema: PayloadIndex,
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        return self._client.create_payload_index(
            collection_name, field_name, field_schema, wait=wait
        )

    @translated
    def upsert(
        self,
        collection_name: str,
        points: Sequence[models.PointStruct],
        *,
        wait: bool = True,
        update_filter: models.Filter | None = None,
    ) -> models.UpdateResult:
        check_points(points)
        # Of two conditional writes one must come first, on every replica the same one.
        ordering = None if update_filter is None else WriteOrdering.STRONG
        # The client converts lists and lets any other sequence fail on the wire.
        return self._client.upsert(
            collection_name, list(points), wait=wait, update_filter=update_filter, ordering=ordering
        )

    @translated
    def delete(
        self, collection_name: str, points_selector: PointsSelector, *, wait: bool = True
    ) -> models.UpdateResult:
        return self._client.delete(collection_name, points_selector, wait=wait)

    @translated
    def set_payload(
        self,
        collection_name: str,
        payload: Mapping[str, Any],
        points: PointsSelector,
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        return self._client.set_payload(collection_name, dict(payload), points, wait=wait)

    @translated
    def retrieve(
        self,
        collection_name: str,
        ids: Sequence[models.ExtendedPointId],
        *,
        with_payload: PayloadFields = True,
        with_vectors: bool = False,
    ) -> list[models.Record]:
        return to_plain_vectors(
            self._client.retrieve(
                collection_name,
                list(ids),
                with_payload=with_payload,
                with_vectors=to_selector(with_vectors=with_vectors),
            )
        )

    @translated
    def scroll(
        self,
        collection_name: str,
        scroll_filter: models.Filter | None = None,
        *,
        limit: int = 10,
        offset: models.ExtendedPointId | None = None,
        with_payload: PayloadFields = True,
        with_vectors: bool = False,
    ) -> tuple[list[models.Record], models.ExtendedPointId | None]:
        page, following = self._client.scroll(
            collection_name,
            scroll_filter,
            limit=limit,
            offset=offset,
            with_payload=with_payload,
            with_vectors=to_selector(with_vectors=with_vectors),
        )
        return to_plain_vectors(page), following

    @translated
    def count(
        self,
        collection_name: str,
        count_filter: models.Filter | None = None,
        *,
        exact: bool = True,
    ) -> models.CountResult:
        return self._client.count(collection_name, count_filter, exact=exact)

    @translated
    def query_points(  # noqa: PLR0913 - the parameters are QdrantClient's
        self,
        collection_name: str,
        query: list[float],
        *,
        query_filter: models.Filter | None = None,
        limit: int = 10,
        offset: int | None = None,
        with_payload: PayloadFields = True,
        with_vectors: bool = False,
        score_threshold: float | None = None,
        search_params: models.SearchParams | None = None,
    ) -> QueryResponse:
        check_vector(query, None, "query")
        response = self._client.query_points(
            collection_name,
            query,
            query_filter=query_filter,
            limit=limit,
            offset=offset,
            with_payload=with_payload,
            with_vectors=to_selector(with_vectors=with_vectors),
            score_threshold=score_threshold,
            search_params=self._effort(search_params),
        )
        clamp_scores(to_plain_vectors(response.points))
        return response

    @translated
    def query_batch_points(
        self, collection_name: str, requests: Sequence[models.QueryRequest]
    ) -> list[QueryResponse]:
        check_requests(requests)
        understood = [
            request.model_copy(
                update={
                    "params": self._effort(request.params),
                    "with_vector": to_selector(with_vectors=bool(request.with_vector)),
                }
            )
            for request in requests
        ]
        responses = self._client.query_batch_points(collection_name, understood)
        for request, response in zip(requests, responses, strict=True):
            if not request.using:  # of a sparse vector, which has no cosine
                clamp_scores(response.points)
            to_plain_vectors(response.points)
        return responses

    @translated
    def query_points_groups(  # noqa: PLR0913 - the parameters are QdrantClient's
        self,
        collection_name: str,
        group_by: str,
        query: list[float],
        *,
        query_filter: models.Filter | None = None,
        limit: int = 10,
        group_size: int = 3,
        with_payload: PayloadFields = True,
        with_vectors: bool = False,
        score_threshold: float | None = None,
        search_params: models.SearchParams | None = None,
    ) -> models.GroupsResult:
        check_vector(query, None, "query")
        result = self._client.query_points_groups(
            collection_name,
            group_by,
            query,
            query_filter=query_filter,
            limit=limit,
            group_size=group_size,
            with_payload=with_payload,
            with_vectors=to_selector(with_vectors=with_vectors),
            score_threshold=score_threshold,
            search_params=self._effort(search_params),
        )
        for group in result.groups:
            clamp_scores(to_plain_vectors(group.hits))
        return result

    def _effort(self, search_params: models.SearchParams | None) -> models.SearchParams | None:
        """What the client is told about the effort of a search."""
        return search_params

    def optimize(self, collection_name: str) -> bool:
        self.get_collection(collection_name)
        return False

    def flush(self) -> None:
        """Nothing to do: a server flushes by itself, memory has no disk."""

    @translated
    def close(self) -> None:
        self._client.close()
