"""The embedded engine: the half that keeps points, and so the whole."""

# ruff: noqa: D102 - the methods are documented in Engine

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qdrant_client import models
from qdrant_client.http.models import QueryResponse  # models' own is another class

from ingest.store.embedded.folder import EmbeddedFolder
from ingest.store.embedded.groups import gather_groups
from ingest.store.embedded.optimize import build_in_child
from ingest.store.translate import translated
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.store.engine import PayloadFields, PointsSelector
    from schemas.payload_indexes import PayloadIndex

_DONE = models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


class EmbeddedEngine(EmbeddedFolder):
    """An engine on a folder.

    Calls from several threads take turns: ``qdrant_edge`` holds the interpreter lock anyway.
    Shards are loaded when they are first needed. Every write is waited for.
    """

    @translated
    def create_payload_index(
        self,
        collection_name: str,
        field_name: str,
        field_schema: PayloadIndex,
        *,
        wait: bool = True,  # noqa: ARG002 - it always does
    ) -> models.UpdateResult:
        with self._turn:
            self._shard(collection_name).create_index(field_name, field_schema)
        return _DONE

    @translated
    def upsert(
        self,
        collection_name: str,
        points: Sequence[models.PointStruct],
        *,
        wait: bool = True,  # noqa: ARG002 - it always does
        update_filter: models.Filter | None = None,
    ) -> models.UpdateResult:
        if update_filter is not None:
            raise StoreRejected(
                "an embedded index writes without conditions: one process has it open at a time"
            )
        with self._turn:
            self._shard(collection_name).upsert(points)
        return _DONE

    @translated
    def update_vectors(
        self,
        collection_name: str,
        points: Sequence[models.PointVectors],
        *,
        wait: bool = True,  # noqa: ARG002 - it always does
    ) -> models.UpdateResult:
        with self._turn:
            self._shard(collection_name).update_vectors(points)
        return _DONE

    @translated
    def delete(
        self,
        collection_name: str,
        points_selector: PointsSelector,
        *,
        wait: bool = True,  # noqa: ARG002 - it always does
    ) -> models.UpdateResult:
        with self._turn:
            self._shard(collection_name).delete(points_selector)
        return _DONE

    @translated
    def set_payload(
        self,
        collection_name: str,
        payload: Mapping[str, Any],
        points: PointsSelector,
        *,
        wait: bool = True,  # noqa: ARG002 - it always does
    ) -> models.UpdateResult:
        with self._turn:
            self._shard(collection_name).set_payload(payload, points)
        return _DONE

    @translated
    def retrieve(
        self,
        collection_name: str,
        ids: Sequence[models.ExtendedPointId],
        *,
        with_payload: PayloadFields = True,
        with_vectors: bool = False,
    ) -> list[models.Record]:
        with self._turn:
            shard = self._shard(collection_name)
            return shard.retrieve(ids, with_payload, with_vectors=with_vectors)

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
        request = models.ScrollRequest(
            filter=scroll_filter,
            limit=limit,
            offset=offset,
            with_payload=with_payload,
            with_vector=with_vectors,
        )
        with self._turn:
            return self._shard(collection_name).scroll(request)

    @translated
    def count(
        self,
        collection_name: str,
        count_filter: models.Filter | None = None,
        *,
        exact: bool = True,
    ) -> models.CountResult:
        with self._turn:
            count = self._shard(collection_name).count(count_filter, exact=exact)
        return models.CountResult(count=count)

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
        request = models.FacetRequest(key=key, filter=facet_filter, limit=limit, exact=exact)
        with self._turn:
            return models.FacetResponse(hits=self._shard(collection_name).facet(request))

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
        request = models.QueryRequest(
            query=query,
            filter=query_filter,
            params=search_params,
            score_threshold=score_threshold,
            limit=limit,
            offset=offset,
            with_vector=with_vectors,
            with_payload=with_payload,
        )
        with self._turn:
            (points,) = self._shard(collection_name).query([request])
        return QueryResponse(points=points)

    @translated
    def query_batch_points(
        self, collection_name: str, requests: Sequence[models.QueryRequest]
    ) -> list[QueryResponse]:
        with self._turn:
            answers = self._shard(collection_name).query(requests)
        return [QueryResponse(points=points) for points in answers]

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
        request = models.QueryRequest(
            query=query, filter=query_filter, params=search_params, score_threshold=score_threshold
        )
        with self._turn:
            shard = self._shard(collection_name)
            groups = gather_groups(shard.query, request, group_by, limit, group_size)
            hits = [hit for group in groups for hit in group.hits]
            records = shard.retrieve(
                [hit.id for hit in hits], with_payload, with_vectors=with_vectors
            )
        stored = {record.id: record for record in records}
        for hit in hits:
            hit.payload = stored[hit.id].payload
            hit.vector = stored[hit.id].vector
        return models.GroupsResult(groups=groups)

    @translated
    def optimize(self, collection_name: str) -> bool:
        with self._turn:
            shard = self._shard(collection_name)
            if not shard.is_worth_indexing():
                return False
            concrete = self._catalogue.resolve(collection_name)
            self._shards.pop(concrete).close()
            build_in_child(self._catalogue.root, concrete, self._catalogue.lock_descriptor)
        return True
