"""The half of the embedded engine that keeps collections and aliases."""

# ruff: noqa: D102 - the methods are documented in Engine

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from qdrant_client import models

from ingest.store.embedded import layout
from ingest.store.embedded.catalogue import Catalogue
from ingest.store.embedded.config import to_collection_info
from ingest.store.embedded.shard import Shard
from ingest.store.engine import Engine
from ingest.store.translate import translated
from ingest.store.vectors import check_distance
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class EmbeddedFolder(Engine):
    """Collections and aliases in a folder, locked for this process until :meth:`close`.

    Args:
        path: The folder; if it does not exist, it is made with the first collection.

    Attributes:
        address: The folder, for messages.

    Raises:
        LockHeld: Another process, or another engine of this one, has the folder open.
        StoreRejected: The folder holds something else than an index.
    """

    def __init__(self, path: Path) -> None:
        """Lock the folder and read which collections it holds."""
        self.address = str(path)
        self._turn = threading.RLock()
        self._shards: dict[str, Shard] = {}
        self._is_closed = False
        self._catalogue = self._open(path)

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
        config = models.CreateCollection(
            vectors=vectors_config,
            sparse_vectors=None if sparse_vectors_config is None else dict(sparse_vectors_config),
            metadata=None if metadata is None else dict(metadata),
            hnsw_config=hnsw_config,
            optimizers_config=optimizers_config,
            quantization_config=quantization_config,
            on_disk_payload=on_disk_payload,
        )
        with self._turn:
            catalogue = self._there()
            shard = Shard.create(catalogue.prepare(collection_name), config)
            shard.flush()
            catalogue.put(collection_name, config)
            self._shards[collection_name] = shard
        return True

    @translated
    def update_collection(self, collection_name: str, *, metadata: Mapping[str, Any]) -> bool:
        with self._turn:
            concrete = self._there().resolve(collection_name)
            config = self._catalogue.config(concrete)
            merged = {**(config.metadata or {}), **metadata}
            kept = {key: value for key, value in merged.items() if value is not None}
            self._catalogue.put(concrete, config.model_copy(update={"metadata": kept}))
        return True

    @translated
    def create_vector_name(
        self,
        collection_name: str,
        vector_name: str,
        vector_name_config: models.SparseVectorNameConfig,
        *,
        wait: bool = True,  # noqa: ARG002 - it always does
    ) -> models.UpdateResult:
        modifier = vector_name_config.sparse.modifier
        with self._turn:
            concrete = self._there().resolve(collection_name)
            config = self._catalogue.config(concrete)
            if vector_name not in (config.sparse_vectors or {}):
                added = self._shard(concrete).create_sparse_vector(vector_name, modifier)
                update = {"sparse_vectors": added.sparse_vectors}
                self._catalogue.put(concrete, config.model_copy(update=update))
        return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)

    @translated
    def delete_collection(self, collection_name: str) -> bool:
        with self._turn:
            if collection_name not in self._there().names:
                return False
            if shard := self._shards.pop(collection_name, None):
                shard.discard()
            self._catalogue.remove(collection_name)
        return True

    @translated
    def collection_exists(self, collection_name: str) -> bool:
        with self._turn:
            catalogue = self._there()
            return collection_name in {*catalogue.names, *catalogue.aliases}

    @translated
    def get_collection(self, collection_name: str) -> models.CollectionInfo:
        with self._turn:
            shard = self._shard(collection_name)
            concrete = self._catalogue.resolve(collection_name)
            return to_collection_info(self._catalogue.config(concrete), shard.info())

    @translated
    def read_metadata(self, collection_name: str) -> Mapping[str, Any]:
        with self._turn:
            catalogue = self._there()
            return catalogue.config(catalogue.resolve(collection_name)).metadata or {}

    @translated
    def get_collections(self) -> models.CollectionsResponse:
        with self._turn:
            names = self._there().names
        listed = [models.CollectionDescription(name=name) for name in names]
        return models.CollectionsResponse(collections=listed)

    @translated
    def get_aliases(self) -> models.CollectionsAliasesResponse:
        with self._turn:
            aliases = self._there().aliases
        listed = [
            models.AliasDescription(alias_name=alias, collection_name=target)
            for alias, target in sorted(aliases.items())
        ]
        return models.CollectionsAliasesResponse(aliases=listed)

    @translated
    def get_collection_aliases(self, collection_name: str) -> models.CollectionsAliasesResponse:
        everyone = self.get_aliases().aliases
        mine = [alias for alias in everyone if alias.collection_name == collection_name]
        return models.CollectionsAliasesResponse(aliases=mine)

    @translated
    def update_collection_aliases(
        self, change_aliases_operations: Sequence[models.AliasOperations]
    ) -> bool:
        with self._turn:
            self._there().change_aliases(change_aliases_operations)
        return True

    @translated
    def flush(self) -> None:
        with self._turn:
            for shard in self._shards.values():
                shard.flush()

    @translated
    def close(self) -> None:
        with self._turn, ExitStack() as last:
            # A shard that cannot be flushed keeps neither the others open nor the lock.
            self._is_closed = True
            last.callback(self._catalogue.close)
            while self._shards:
                last.callback(self._shards.popitem()[1].close)

    @translated
    def _open(self, path: Path) -> Catalogue:
        return Catalogue(path)

    def _there(self) -> Catalogue:
        """The catalogue, unless the engine is closed."""
        if self._is_closed:
            raise StoreRejected(f"{self.address}: this engine is closed; connect again")
        return self._catalogue

    def _shard(self, name: str) -> Shard:
        """The open shard of a collection or alias; the caller has the turn."""
        catalogue = self._there()
        concrete = catalogue.resolve(name)
        if concrete not in self._shards:
            folder = layout.shard(catalogue.root, concrete)
            self._shards[concrete] = Shard.load(folder, catalogue.config(concrete))
        return self._shards[concrete]
