"""Writes to one collection that outlast a busy or restarting server.

``qdrant_client`` does not retry an upsert, and what it does retry it retries without backoff or
without bound; :mod:`ingest.store.patience` has our own rules. Besides, a batch that timed out is
split, since a smaller one may pass, and later batches start smaller.

Every write may be repeated: ids are stable, and writing or deleting a point twice is writing or
deleting it once.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ingest.store.retrying import to_patience, without_retries
from schemas.errors import StoreRejected, StoreTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import tenacity
    from qdrant_client import models

    from ingest.store.engine import Engine, PointsSelector
    from ingest.store.patience import Patience

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

MAX_REQUEST_BYTES: Final = 30 * 1024 * 1024
"""A server refuses more than 32 MiB; the rest is for framing."""

BYTES_PER_FLOAT: Final = 24
"""The longest float in JSON, with its comma; gRPC takes four."""

MIN_POINTS: Final = 16
"""A batch that timed out may be split further than this, but the next one starts here again."""

IDS_PER_REQUEST: Final = 1_000

_encode_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """What a writer did so far.

    Attributes:
        upserted: Points written; one that was written twice counts twice.
        deleted: Points deleted, as counted just before.
        requests: Writing requests that were sent, failed ones included.
        retries: How many of them repeated one that failed.
        splits: Batches that were split after a timeout.
    """

    upserted: int = 0
    deleted: int = 0
    requests: int = 0
    retries: int = 0
    splits: int = 0


class Writer:
    """Writes to one collection, with retries. Not for several threads at once.

    Args:
        engine: Where to; stays open.
        collection_name: A generation's own name, so that a swap of the alias cannot divert it.
        points_per_request: Points in one request at most; 64 to 256 suit a server.
        bytes_per_request: Bytes in one request at most, by an upper estimate.
        patience: How long a write is tried; by default as long as the engine tries its own.
        before_write: Called before every writing request; what it raises, the write raises.
    """

    def __init__(
        self,
        engine: Engine,
        collection_name: str,
        *,
        points_per_request: int = 128,
        bytes_per_request: int = MAX_REQUEST_BYTES,
        patience: Patience | None = None,
        before_write: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is sent yet."""
        self._before_write = before_write
        self._engine = without_retries(engine)  # whose retries would multiply with ours
        self._collection_name = collection_name
        self._points_per_request = max(1, points_per_request)
        self._bytes_per_request = bytes_per_request
        self._patience = patience or to_patience(engine)
        self._counts = WriteCounts()

    @property
    def counts(self) -> WriteCounts:
        """What it did so far."""
        return self._counts

    def upsert(self, points: Iterable[models.PointStruct]) -> int:
        """Write points, in order, in as many requests as it takes; each waits until applied.

        Returns:
            How many.

        Raises:
            InvalidVector: A vector could never be found again; earlier batches are written.
            StoreRejected: The store refuses a batch, or a point is larger than a request may be.
            StoreUnavailable: The store stayed away longer than patience lasts.
        """
        before = self._counts.upserted
        for batch in self._iter_batches(points):
            self._upsert(batch, self._patience.to_deadline())
        return self._counts.upserted - before

    def delete(self, chosen: models.Filter | Sequence[models.ExtendedPointId]) -> int:
        """Delete points by filter or by id; nothing is sent when none match.

        Returns:
            How many there were, as counted just before.

        Raises:
            StoreRejected: The store refuses.
            StoreUnavailable: The store stayed away longer than patience lasts.
        """
        from qdrant_client import models

        if isinstance(chosen, models.Filter):
            return self._delete(chosen, chosen)
        deleted = 0
        for start in range(0, len(chosen), IDS_PER_REQUEST):
            ids = list(chosen[start : start + IDS_PER_REQUEST])
            has_id = models.HasIdCondition(has_id=ids)
            deleted += self._delete(ids, models.Filter(must=[has_id]))
        return deleted

    def set_payload(self, payload: Mapping[str, Any], points: PointsSelector) -> None:
        """Set payload fields on points and leave their other fields as they are.

        Raises:
            StoreRejected: The store refuses.
            StoreUnavailable: The store stayed away longer than patience lasts.
        """
        name = self._collection_name
        self._write(
            lambda: self._engine.set_payload(name, payload, points), self._patience.to_deadline()
        )

    def flush(self) -> None:
        """A checkpoint: every write so far survives a loss of power."""
        self._engine.flush()

    def _upsert(self, batch: Sequence[models.PointStruct], deadline: float) -> None:
        name = self._collection_name
        can_split = len(batch) > 1
        try:
            self._write(
                lambda: self._engine.upsert(name, batch), deadline, is_split_on_timeout=can_split
            )
        except StoreTimeout:
            if not can_split or time.monotonic() > deadline:
                raise
            half = len(batch) // 2
            self._points_per_request = max(MIN_POINTS, half)
            self._count(splits=1)
            self._upsert(batch[:half], deadline)
            self._upsert(batch[half:], deadline)
        else:
            self._count(upserted=len(batch))

    def _delete(self, selector: PointsSelector, same: models.Filter) -> int:
        name = self._collection_name
        deadline = self._patience.to_deadline()
        found = self._retrying(deadline)(lambda: self._engine.count(name, same).count)
        if found:
            self._write(lambda: self._engine.delete(name, selector), deadline)
            self._count(deleted=found)
        return found

    def _write(
        self, request: Callable[[], _T], deadline: float, *, is_split_on_timeout: bool = False
    ) -> _T:
        """Send a writing request until it succeeds or patience ends."""

        def send() -> _T:
            self._before_write()
            self._count(requests=1)
            return request()

        return self._retrying(deadline, is_split_on_timeout=is_split_on_timeout)(send)

    def _retrying(self, deadline: float, *, is_split_on_timeout: bool = False) -> tenacity.Retrying:
        retrying = self._patience.to_retrying(deadline, is_split_on_timeout=is_split_on_timeout)
        return retrying.copy(before_sleep=self._before_sleep)

    def _before_sleep(self, state: tenacity.RetryCallState) -> None:
        self._count(retries=1)
        error = state.outcome and state.outcome.exception()
        _log.info("%s; again in %.1f s", error, state.upcoming_sleep)

    def _count(self, **more: int) -> None:
        sums = {name: getattr(self._counts, name) + number for name, number in more.items()}
        self._counts = replace(self._counts, **sums)

    def _iter_batches(
        self, points: Iterable[models.PointStruct]
    ) -> Iterator[list[models.PointStruct]]:
        """Batches within both limits; the first may have shrunk when the next one is cut."""
        batch: list[models.PointStruct] = []
        batch_bytes = 0
        for point in points:
            point_bytes = to_loose_size_bytes(point)
            if point_bytes > self._bytes_per_request // self._points_per_request:
                point_bytes = to_size_bytes(point)
                self._check_size(point, point_bytes)
            is_full = len(batch) >= self._points_per_request
            if batch and (is_full or batch_bytes + point_bytes > self._bytes_per_request):
                yield batch
                batch, batch_bytes = [], 0
            batch.append(point)
            batch_bytes += point_bytes
        if batch:
            yield batch

    def _check_size(self, point: models.PointStruct, point_bytes: int) -> None:
        if point_bytes > self._bytes_per_request:
            raise StoreRejected(
                f"point {point.id}: about {point_bytes} bytes, a request holds "
                f"{self._bytes_per_request}; shorten its text or its metadata"
            )


def to_loose_size_bytes(point: models.PointStruct) -> int:
    """A generous estimate at a tenth of the cost of :func:`to_size_bytes`.

    It takes six bytes a character, as UTF-8 needs four at most and JSON's escapes of control
    characters six; for nested values, whose size it does not look into, it gives more than any
    request holds.
    """
    size = 128 + _count_numbers(point.vector) * BYTES_PER_FLOAT
    for key, value in (point.payload or {}).items():
        if isinstance(value, str):
            size += 6 * len(value)
        elif isinstance(value, (dict, list)) and value:
            return MAX_REQUEST_BYTES + 1
        size += len(key) + 64
    return size


def to_size_bytes(point: models.PointStruct) -> int:
    """An upper estimate of a point's share of a request, in JSON or gRPC."""
    payload = _encode_json(point.payload)
    numbers = _count_numbers(point.vector)
    return numbers * BYTES_PER_FLOAT + len(payload.encode(errors="surrogatepass")) + 128


def _count_numbers(vector: object) -> int:
    """How many numbers a dense vector has, or one with sparse vectors by name."""
    if isinstance(vector, list):
        return len(vector)
    if isinstance(vector, dict):
        return sum(
            len(one) if isinstance(one, list) else 2 * len(one.indices) for one in vector.values()
        )
    return 0
