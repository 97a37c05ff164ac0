"""The point in which a lease lies, and how it is written: on conditions only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from ingest.store.collections import LEASES
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qdrant_client import models

    from ingest.store.engine import Engine

FREE: Final = ""
"""The holder of a lease that nobody holds."""

_NAMESPACE: Final = UUID("d6b2299a-a12a-4c82-b88b-f29f6339a4c2")
_NUMBERS: Final = frozenset({"epoch", "beats", "pid"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the point of a lease says.

    Attributes:
        holder: Id of the run that holds it; empty when nobody does.
        place: Whose lock file the run holds; see :func:`ingest.sync.place.to_place`.
        epoch: How often it was taken.
        beats: How often its holders said that they live.
        lease_seconds: How long the holder may be silent.
        beat_at: When it last beat, by its own clock, ISO.
        host: Its machine's name, for people.
        pid: Its process there, for people.
    """

    holder: str = FREE
    place: str = ""
    epoch: int = 0
    beats: int = 0
    lease_seconds: float = 0.0
    beat_at: str = ""
    host: str = ""
    pid: int = 0

    @property
    def is_free(self) -> bool:
        """Whether nobody holds it."""
        return self.holder == FREE

    def is_same_tenure(self, other: Standing) -> bool:
        """Whether one run, that took it once, is behind both."""
        return (self.holder, self.epoch) == (other.holder, other.epoch)

    def __str__(self) -> str:
        """For people."""
        return f"process {self.pid} on {self.host} (last heard of {self.beat_at})"

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Standing:
        """Read a point.

        Raises:
            StoreRejected: It is not one of ours.
        """
        fields = {name: payload.get(name) for name in cls.__slots__}
        sound = all(
            isinstance(fields[name], int if name in _NUMBERS else str)
            for name in fields
            if name != "lease_seconds"
        )
        if not (sound and isinstance(fields["lease_seconds"], int | float)):
            raise StoreRejected(
                f"collection {LEASES!r}: a lease in it is damaged; when no run is under way, "
                f"delete that collection"
            )
        return cls(**fields)  # type: ignore[arg-type]

    def to_payload(self) -> dict[str, Any]:
        """The other way round."""
        return {name: getattr(self, name) for name in self.__slots__}

    def age_seconds(self, now: datetime) -> float:
        """How long ago the last beat was, if both clocks are right; not a number if unreadable."""
        try:
            return (now - datetime.fromisoformat(self.beat_at)).total_seconds()
        except (TypeError, ValueError):
            return math.nan


class LeasePoint:
    """One generation's point in the collection of the leases.

    Args:
        engine: The server.
        generation: The collection's own name.
    """

    def __init__(self, engine: Engine, generation: str) -> None:
        """Nothing is asked yet."""
        self._engine = engine
        self._point_id = str(uuid5(_NAMESPACE, generation))

    def ensure_collection(self) -> None:
        """Make the collection if it is missing.

        Raises:
            StoreUnavailable: The server did not answer.
        """
        from qdrant_client import models

        if self._engine.collection_exists(LEASES):
            return
        params = models.VectorParams(size=1, distance=models.Distance.COSINE)
        try:
            self._engine.create_collection(LEASES, params)
        except StoreRejected:  # another run was faster, or an answer got lost
            if not self._engine.collection_exists(LEASES):
                raise
        # A server in strict mode filters by indexed fields only.
        self._engine.create_payload_index(LEASES, "holder", models.PayloadSchemaType.KEYWORD)
        self._engine.create_payload_index(LEASES, "epoch", models.PayloadSchemaType.INTEGER)
        self._engine.create_payload_index(LEASES, "beats", models.PayloadSchemaType.INTEGER)

    def read(self) -> Standing:
        """What stands there; what is free where nothing does.

        Raises:
            StoreRejected: It is not one of ours.
            StoreUnavailable: The server did not answer.
        """
        found = self._engine.retrieve(LEASES, [self._point_id])
        return Standing.from_payload(found[0].payload or {}) if found else Standing()

    def write(self, standing: Standing, before: Standing, *, exactly: bool = False) -> None:
        """Write where the tenure is still ``before``'s, or else nothing.

        Args:
            standing: What is written.
            before: Whose tenure is replaced.
            exactly: Whether it may not have beaten since.

        Raises:
            StoreUnavailable: The server did not answer; it may have been written or not.
        """
        from qdrant_client import models

        wanted = {"holder": before.holder, "epoch": before.epoch}
        if exactly:
            wanted["beats"] = before.beats
        conditions: list[models.Condition] = [
            models.FieldCondition(key=key, match=models.MatchValue(value=value))
            for key, value in wanted.items()
        ]
        point = models.PointStruct(id=self._point_id, vector=[1.0], payload=standing.to_payload())
        self._engine.upsert(LEASES, [point], update_filter=models.Filter(must=conditions))
