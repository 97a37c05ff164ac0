"""The metrics of an audit: how much differs, by kind, and since when nothing did."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING

from ingest.telemetry.gauges import Gauges, set_end, set_info
from schemas.audit import FindingKind

if TYPE_CHECKING:
    from ingest.telemetry.gauges import Kept
    from schemas.audit import AuditReport


def to_audit_metrics(report: AuditReport, collection: str, *, kept: Kept) -> str:
    """The text of the file.

    An audit is a success when nothing differs, or nothing does any more after a repair. One that
    did not come to its end leaves what is known of differences as it was.

    Args:
        report: Of the audit.
        collection: The label of everything.
        kept: See :func:`~ingest.telemetry.gauges.read_kept`.
    """
    gauges = Gauges(report.command, collection)
    success = "When an audit last ended with nothing that differs."
    set_end(gauges, report, kept, is_success=not report.exit_code, success=success)
    _set_found(gauges, report, kept)
    for kind, number in Tally(str(one.kind) for one in report.repaired).items():
        gauges.set("last_run_repaired", number, "Mismatches that a repair began with.", kind=kind)
    problems = [*report.problems, *(report.repair.problems if report.repair else ())]
    for (root, kind), number in Tally((one.root, one.kind) for one in problems).items():
        gauges.set("last_run_problems", number, "What ended it early.", root=root, kind=kind)
    set_info(gauges, report)
    return gauges.to_text()


def _set_found(gauges: Gauges, report: AuditReport, kept: Kept) -> None:
    is_whole = not report.problems and not report.is_interrupted
    for kind in map(str, FindingKind):
        found = report.counts.get(kind, 0) if is_whole else kept.get(("mismatches", kind))
        text = "Mismatches that are there, by the last audit that came to its end."
        gauges.set("mismatches", found, text, kind=kind)
    for name, number in (("points", report.points), ("items", report.items)):
        value = number if is_whole else kept.get((name,))
        gauges.set(name, value, f"How many {name} that audit looked at.")
