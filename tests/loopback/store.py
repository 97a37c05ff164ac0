"""What the server keeps, and the counts of what was done to it."""

from __future__ import annotations

import copy
import threading
from collections import Counter, defaultdict
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.local.qdrant_local import QdrantLocal


class Store:
    """The reference implementation in memory, one request at a time.

    Attributes:
        local: It.
        lock: Held while a request is applied.
        applied: How many requests of each kind changed something or could have.
        applied_to: The same for each collection, by its own name.
        points: How many points were upserted.
        indexes: The payload indexes of each collection, by field.
    """

    def __init__(self) -> None:
        self._client = QdrantClient(":memory:")  # kept: it closes itself when it is let go
        local = self._client._client
        assert isinstance(local, QdrantLocal)
        self.local = local
        self.lock = threading.RLock()
        self.applied: Counter[str] = Counter()
        self.applied_to: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.points = 0
        self.indexes: dict[str, dict[str, models.PayloadIndexInfo]] = {}

    @property
    def writes(self) -> int:
        """How many writing requests were applied."""
        return self.applied.total()

    def count(self, kind: str, name: str) -> None:
        """One request of a kind was applied to a collection or, with an empty name, to none."""
        self.applied[kind] += 1
        self.applied_to[self.to_own_name(name)][kind] += 1

    def to_own_name(self, name: str) -> str:
        """A collection's own name behind an alias."""
        return self.local.aliases.get(name, name)

    def snapshot(self) -> Any:
        """All that is stored, for :meth:`restore`."""
        with self.lock:
            return copy.deepcopy((self.local.collections, self.local.aliases, self.indexes))

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot; it may be used again."""
        with self.lock:
            collections, aliases, self.indexes = copy.deepcopy(snapshot)
            self.local.collections, self.local.aliases = collections, aliases
