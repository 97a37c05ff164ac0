"""The engine API: what Diptych asks of a vector store, in ``qdrant_client``'s words.

The methods, their parameters and their models are those of ``qdrant_client.QdrantClient``, so its
documentation holds here too. Three engines answer them: a server, an embedded index in a folder,
and memory (:mod:`ingest.store.connect`); the vocabulary of arguments stays within what all three
understand. What is promised beyond Qdrant's own documentation:

- One unnamed dense vector a point, compared by cosine: scores are cosines, in [-1, 1], and
  vectors that are returned are dense. Beside it sparse ones, see :mod:`ingest.store.sparse`.
- A zero vector, or one that is not finite, is refused before it is stored or searched with.
- A write has been applied when its method returns (``wait=True`` is the default everywhere) and
  survives the death of this process; it survives the death of the machine after :meth:`flush`.
- Every error is one of :mod:`schemas.errors`. Calls may come from several threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ingest.store.aliases import AliasEngine
from ingest.store.faceting import Faceting
from ingest.store.sparse import SparseEngine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from qdrant_client import models
    from qdrant_client.http.models import QueryResponse  # models' own is another class

    from schemas.payload_indexes import PayloadIndex

    PointsSelector: TypeAlias = (
        list[models.ExtendedPointId] | models.Filter | models.FilterSelector | models.PointIdsList
    )
    """Which points a write concerns: ids or a filter, bare or in Qdrant's own wrapping."""
    PayloadFields: TypeAlias = bool | list[str] | models.PayloadSelector
    """Which payload fields an answer carries: all, none, those named, or all but some."""


class Engine(AliasEngine, Faceting, SparseEngine, Protocol):
    """A vector store.

    Besides what it documents, every method raises ``CollectionMissing`` (nothing has that name),
    ``StoreUnavailable`` (no answer, or "later") and ``StoreRejected`` (refused for good).
    """

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
        """Create an empty collection.

        Args:
            collection_name: A new name; neither a collection nor an alias may have it.
            vectors_config: Dimension; the distance must be cosine.
            sparse_vectors_config: Names and parameters of sparse vectors.
            metadata: JSON-ready fields that are kept with the collection.
            hnsw_config: Of the vector index; None, as below, for the engine's defaults.
            optimizers_config: When an index is built.
            quantization_config: Compression of the vectors.
            on_disk_payload: Whether payloads are read from disk.

        Raises:
            StoreRejected: The name is taken or malformed, or the vectors are of another kind.
        """
        ...

    def update_collection(self, collection_name: str, *, metadata: Mapping[str, Any]) -> bool:
        """Merge fields into a collection's metadata; a None removes its key."""
        ...

    def delete_collection(self, collection_name: str) -> bool:
        """Delete a collection and the aliases that point to it; gives whether it was there."""
        ...

    def collection_exists(self, collection_name: str) -> bool:
        """Whether a collection or an alias has this name."""
        ...

    def get_collection(self, collection_name: str) -> models.CollectionInfo:
        """Counts, payload indexes, and the configuration with its metadata."""
        ...

    def read_metadata(self, collection_name: str) -> Mapping[str, Any]:
        """A collection's metadata alone; an embedded index loads no points for it."""
        ...

    def get_collections(self) -> models.CollectionsResponse:
        """The names of all collections; aliases are not among them."""
        ...

    def create_payload_index(
        self,
        collection_name: str,
        field_name: str,
        field_schema: PayloadIndex,
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        """Index a payload field for filtering; do it before the first upsert."""
        ...

    def upsert(
        self,
        collection_name: str,
        points: Sequence[models.PointStruct],
        *,
        wait: bool = True,
        update_filter: models.Filter | None = None,
    ) -> models.UpdateResult:
        """Write points; one with the id of another replaces it, payload included.

        With ``update_filter``, which an embedded index refuses, only if the other one matches it.

        Raises:
            InvalidVector: A vector is zero, not finite or of another dimension.
        """
        ...

    def delete(
        self, collection_name: str, points_selector: PointsSelector, *, wait: bool = True
    ) -> models.UpdateResult:
        """Delete points by id or by filter; ids that are not there are ignored."""
        ...

    def set_payload(
        self,
        collection_name: str,
        payload: Mapping[str, Any],
        points: PointsSelector,
        *,
        wait: bool = True,
    ) -> models.UpdateResult:
        """Set fields on points, which must exist, and leave their other fields as they are."""
        ...

    def retrieve(
        self,
        collection_name: str,
        ids: Sequence[models.ExtendedPointId],
        *,
        with_payload: PayloadFields = True,
        with_vectors: bool = False,
    ) -> list[models.Record]:
        """The points with these ids, in no particular order; unknown ids are left out."""
        ...

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
        """One page of the points in the order of their ids.

        Args:
            collection_name: Of a collection or an alias, here and below.
            scroll_filter: Which points; None, here and below, for all.
            limit: Length of the page.
            offset: Id the page begins at; None for the first.
            with_payload: Payload fields to return.
            with_vectors: Whether to return the vectors.

        Returns:
            The page, and the id where the next one begins or None after the last.
        """
        ...

    def count(
        self,
        collection_name: str,
        count_filter: models.Filter | None = None,
        *,
        exact: bool = True,
    ) -> models.CountResult:
        """How many points match."""
        ...

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
        """The points nearest to a vector, nearest first.

        Args:
            collection_name: See :meth:`scroll`.
            query: The vector; its length, if not 1, does not matter.
            query_filter: Which points are searched.
            limit: How many points at most.
            offset: How many of the nearest to leave out.
            with_payload: Payload fields to return.
            with_vectors: Whether to return the vectors, scaled to unit length.
            score_threshold: Leave out points of a lower cosine.
            search_params: Effort of the approximate search, or ``exact``.

        Raises:
            InvalidVector: The query is zero, not finite or of another dimension.
        """
        ...

    def query_batch_points(
        self, collection_name: str, requests: Sequence[models.QueryRequest]
    ) -> list[QueryResponse]:
        """Answer several requests in one round trip, in order.

        A request has a vector as its ``query``, and None in fields that :meth:`query_points` lacks;
        but a sparse one, with its name in ``using``, is scored by its dot product. Beware that here
        payloads are returned only on demand. It raises as that one does.
        """
        ...

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
        """The nearest points by the value of a payload field; raises as :meth:`query_points`.

        Args:
            collection_name: See :meth:`scroll`.
            group_by: The field; points without a string or integer in it are left out. A point
                with a list in it belongs to several groups.
            query: The vector.
            query_filter: Which points are searched.
            limit: How many groups at most.
            group_size: How many points a group at most.
            with_payload: Payload fields to return.
            with_vectors: Whether to return the vectors.
            score_threshold: Leave out points of a lower cosine.
            search_params: Effort of the search.

        Returns:
            Groups in the order of their best point, points in a group nearest first.
        """
        ...

    def optimize(self, collection_name: str) -> bool:
        """Build the vector index now, if this is worth it; gives whether anything was built."""
        ...

    def flush(self) -> None:
        """Make every write so far survive a loss of power; a server does this by itself."""
        ...

    def close(self) -> None:
        """Flush and let go of everything; closing twice is harmless."""
        ...

    def __enter__(self) -> Self:
        """Itself, to be closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
