"""The metrics of a run: of a synchronisation, a migration or an audit."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING

from ingest.durable import replacing
from ingest.telemetry.audit_metrics import to_audit_metrics
from ingest.telemetry.gauges import Gauges, read_kept, set_end, set_info
from ingest.telemetry.report_file import to_outcome
from schemas.audit import AuditReport
from schemas.errors import MassDeleteRefused, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingest.telemetry.gauges import Kept
    from schemas.sync_report import SyncReport

_ACTIONS = ("added", "updated", "unchanged", "failed", "deleted", "moved")


def write_metrics(path: Path, report: SyncReport | AuditReport, collection: str) -> None:
    """Replace a file by the metrics of a run, whole or not at all.

    Args:
        path: Of the file, which ends in ``.prom``; its folder is there.
        report: Of the run. After one that was no success the time of the last success is that of
            the file before.
        collection: Name that stays over migrations; the label of everything.

    Raises:
        StoreError: The file cannot be written.
    """
    kept = read_kept(path, report.command)
    if isinstance(report, AuditReport):
        text = to_audit_metrics(report, collection, kept=kept)
    else:
        text = to_sync_metrics(report, collection, kept=kept)
    try:
        with replacing(path) as stream:
            stream.write(text)
    except OSError as error:
        raise StoreError(
            f"the metrics cannot be written to {path} ({error.strerror or error}); "
            f"{to_outcome(report)}: make room, or name another file with --metrics"
        ) from error


def to_sync_metrics(report: SyncReport, collection: str, *, kept: Kept) -> str:
    """The text of the file.

    A run is a success when it went through all its roots: single items may have failed, which is
    its own metric.

    Args:
        report: Of the run.
        collection: The label of everything.
        kept: See :func:`~ingest.telemetry.gauges.read_kept`.
    """
    gauges = Gauges(report.command, collection)
    is_success = not report.problems and not report.is_interrupted
    success = "When a run last went through all roots."
    set_end(gauges, report, kept, is_success=is_success, success=success)
    rebuilt = "Whether the ledger was read anew."
    gauges.set("last_run_ledger_rebuilt", report.rebuilt, rebuilt)
    points = kept.get(("points",)) if report.points is None else report.points
    gauges.set("points", points, "Points in the collection when they were last counted.")
    set_info(gauges, report)
    _set_roots(gauges, report)
    return gauges.to_text()


def _set_roots(gauges: Gauges, report: SyncReport) -> None:
    for root in report.roots:
        name, counts = root.root, root.counts
        for action in _ACTIONS:
            value = getattr(counts, action)
            gauges.set("last_run_items", value, "Items by action.", root=name, action=action)
        encoded = max(counts.added + counts.updated - counts.reused, 0)
        gauges.set("last_run_items_encoded", encoded, "Items that were encoded.", root=name)
        for modality, value in (("image", counts.images), ("text", counts.texts)):
            text = "Points written."
            gauges.set("last_run_points_written", value, text, root=name, modality=modality)
        for kind, number in Tally(failure.kind for failure in root.failures).items():
            gauges.set("last_run_failures", number, "Failed items.", root=name, kind=kind)
    _set_problems(gauges, report, [root.root for root in report.roots])


def _set_problems(gauges: Gauges, report: SyncReport, roots: Sequence[str]) -> None:
    kinds = Tally((problem.root, problem.kind) for problem in report.problems)
    for (root, kind), number in kinds.items():
        gauges.set("last_run_problems", number, "Roots not gone through.", root=root, kind=kind)
    for root in dict.fromkeys([*roots, *(root for root, _ in kinds)]):
        refused = kinds[root, MassDeleteRefused.__name__]
        text = "Whether a mass delete was refused."
        gauges.set("last_run_mass_delete_refused", refused, text, root=root)
