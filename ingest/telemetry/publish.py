"""Tell the outside what a run did: report files, metrics, a trace; of runs that failed as well."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from ingest.logs import is_json, log_fields
from ingest.sync.state import to_state_dir
from ingest.telemetry.gauges import check_metrics_path
from ingest.telemetry.metrics import write_metrics
from ingest.telemetry.report_file import archive_report, write_report
from ingest.telemetry.tracing import check_tracing, export_trace
from schemas.audit import AuditReport
from schemas.errors import DiptychError, LockHeld, StoreError
from schemas.sync_report import RootProblem, SyncReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingest.telemetry.report_file import Report
    from schemas.settings import Settings

AnyReport = TypeVar("AnyReport", SyncReport, AuditReport)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where a run is told, beside the state folder.

    Attributes:
        report: The file of ``--report``; None for none.
        metrics: The file of ``--metrics``; None for none.
    """

    report: Path | None = None
    metrics: Path | None = None


def run_published(
    run: Callable[[], AnyReport], settings: Settings, outlets: Outlets, *, command: str = "sync"
) -> AnyReport:
    """Run, and tell the outside how it went, whether it came to an end or not.

    Args:
        run: Gives the report, e.g. ``SyncJob(...).run``.
        settings: Name collection and state folder.
        outlets: What else is written.
        command: Which runs: ``sync``, ``migrate`` or ``verify``.

    Raises:
        SettingsError: An outlet cannot be used; nothing has run.
        StoreError: The run came to its end, and something could not be written.
        DiptychError: What ended the run; it was told first.
    """
    if outlets.metrics is not None:
        check_metrics_path(outlets.metrics, command)
    check_tracing()
    started, begun = datetime.now(UTC), monotonic()
    try:
        report = run()
    except DiptychError as error:
        failed = to_failed_report(error, settings, command, started, monotonic() - begun)
        try:
            publish(failed, settings, outlets, is_begun=not isinstance(error, LockHeld))
        except StoreError as untold:
            _LOG.error("%s", untold)
        raise
    publish(report, settings, outlets)
    return report


def publish(report: Report, settings: Settings, outlets: Outlets, *, is_begun: bool = True) -> None:
    """Write and send a report wherever it is wanted; what fails holds up nothing else.

    Args:
        report: Of the run.
        settings: Name collection and state folder.
        outlets: What else is written.
        is_begun: False for a run that found another under way: metrics and kept reports are that
            one's.

    Raises:
        StoreError: The first file that could not be written.
    """
    with log_fields(run_id=report.run_id, collection=settings.collection):
        _log(report)
        _publish(report, settings, outlets, is_begun=is_begun)


def _publish(report: Report, settings: Settings, outlets: Outlets, *, is_begun: bool) -> None:
    untold: list[StoreError] = []
    for write in _to_writes(report, settings, outlets, is_begun=is_begun):
        try:
            write()
        except StoreError as error:
            untold.append(error)
    export_trace(report, settings.collection)
    if untold:
        raise untold[0]


def to_failed_report(
    error: DiptychError, settings: Settings, command: str, started: datetime, seconds: float
) -> Report:
    """The report of a run that an error ended: one problem, of no root."""
    said: dict[str, Any] = {
        "run_id": uuid4().hex,
        "started_at": started.isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "url": settings.url,
        "collection": settings.collection,
        "model_id": "",
        "problems": (RootProblem("", error.kind, str(error), error.exit_code),),
        "seconds": round(seconds, 3),
    }
    if command == AuditReport.command:
        return AuditReport(**said)
    return SyncReport(command=command, fingerprint="", **said)


def _log(report: Report) -> None:
    """The run's end and its problems, where nobody reads the table on stdout."""
    if not is_json():
        return
    for problem in (one for one in report.problems if one.root):  # else it is raised as well
        _LOG.warning("%s", problem.message, extra={"root": problem.root, "kind": problem.kind})
    counts = report.counts if isinstance(report, AuditReport) else asdict(report.counts)
    told = {**counts, "seconds": report.seconds, "exit_code": report.exit_code}
    _LOG.info("%s ended", report.command, extra=told)


def _to_writes(
    report: Report, settings: Settings, outlets: Outlets, *, is_begun: bool
) -> list[Callable[[], object]]:
    writes: list[Callable[[], object]] = []
    state_dir, path, metrics = to_state_dir(settings), outlets.report, outlets.metrics
    # Without a ledger the folder may be none of ours, or not yet: it is left as it is.
    if is_begun and state_dir is not None and (state_dir / "ledger").is_dir():
        writes.append(lambda: archive_report(state_dir, report))
    if path is not None:
        writes.append(lambda: write_report(path, report))
    if is_begun and metrics is not None:
        writes.append(lambda: write_metrics(metrics, report, settings.collection))
    return writes
