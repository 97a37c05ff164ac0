"""What Prometheus is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from search.server.shared import SHARED_FOLDER

if TYPE_CHECKING:
    from schemas.sync_report import SyncReport

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS: Final = (1, 2, 4, 8, 16, 32)


class Metrics:
    """The metrics of one application.

    Attributes:
        requests: By route, method and status.
        latency: Seconds from the first byte to the last, by route.
        in_flight: Requests under way.
        searches: Searches that run or wait.
        encoded: Rows of an encoder's calls, by modality.
        encoding: Seconds of them, by modality.
        points: In the collection, when last counted.
        last_sync: When the server's own last synchronisation ended, seconds since the epoch.
        sync_failures: Of its own synchronisations, those that an error ended.
    """

    def __init__(self) -> None:
        """All are 0."""
        own = self._registry = CollectorRegistry()
        routed = ["route", "method", "status"]
        self.requests = Counter("diptych_http_requests", "Answered.", routed, registry=own)
        self.latency = Histogram(
            "diptych_http_request_seconds", "Of a request.", ["route"], buckets=_SECONDS,
            registry=own,
        )  # fmt: skip
        self.in_flight = self._gauge("diptych_http_in_flight", "Requests under way.")
        self.searches = self._gauge("diptych_searches", "Searches that run or wait.")
        modality = ["modality"]
        self.encoded = Histogram(
            "diptych_encoded_rows", "Of an encoder's call.", modality, buckets=_ROWS, registry=own
        )
        self.encoding = Counter(
            "diptych_encoder_seconds", "In the encoder.", modality, registry=own
        )
        self.points = self._gauge("diptych_index_points", "When last counted.", "mostrecent")
        self.last_sync = self._gauge(
            "diptych_serve_last_sync_timestamp_seconds", "When it ended.", "mostrecent"
        )
        self.sync_failures = Counter(
            "diptych_serve_sync_failures", "Synchronisations that an error ended.", registry=own
        )

    def note_sync(self, report: SyncReport | None) -> None:
        """A synchronisation has ended; None where an error ended it."""
        if report is None:
            self.sync_failures.inc()
            return
        self.last_sync.set_to_current_time()
        if report.points is not None:
            self.points.set(report.points)

    def to_text(self) -> bytes:
        """As Prometheus reads it; of all workers together."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        everything = CollectorRegistry()
        multiprocess.MultiProcessCollector(everything)  # type: ignore[no-untyped-call]
        return generate_latest(everything)

    def _gauge(self, name: str, text: str, mode: str = "livesum") -> Gauge:
        return Gauge(name, text, registry=self._registry, multiprocess_mode=mode)  # type: ignore[arg-type]
