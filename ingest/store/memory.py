"""The index that is gone when the process ends."""

# ruff: noqa: D102 - the methods are documented in Engine

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, cast

from qdrant_client import QdrantClient, models

from ingest.store.client import ClientEngine
from ingest.store.translate import translated
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.store.engine import PointsSelector
    from schemas.payload_indexes import PayloadIndex


class MemoryEngine(ClientEngine):
    """The pure-Python reference implementation in memory, for tests.

    It scans, so there is nothing to index and no effort to choose; it would warn of both.
    """

    def __init__(self) -> None:
        """An empty index."""
        client = cast("QdrantClient", _OneAtATime(QdrantClient(":memory:")))
        super().__init__(client, ":memory:")

    @translated
    def create_payload_index(
        self,
        collection_name: str,
        field_name: str,  # noqa: ARG002 - nothing is indexed
        field_schema: PayloadIndex,  # noqa: ARG002 - likewise
        *,
        wait: bool = True,  # noqa: ARG002 - likewise
    ) -> models.UpdateResult:
        self.get_collection(collection_name)
        return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)

    @translated
    def set_payload(
        self,
        collection_name: str,
        payload: Mapping[str, Any],
        points: PointsSelector,
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        try:
            return super().set_payload(collection_name, payload, points, wait=wait)
        except KeyError as error:
            raise StoreRejected(f"{self.address} refused: No point with id {error}") from error

    def _effort(self, search_params: models.SearchParams | None) -> None:
        """Every search is exact."""


class _OneAtATime:
    """Lets one thread at a time in: the reference implementation reads what another one writes."""

    def __init__(self, client: QdrantClient) -> None:
        self._client = client
        self._lock = RLock()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the client
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - likewise
            with self._lock:
                return method(*args, **kwargs)

        return call
