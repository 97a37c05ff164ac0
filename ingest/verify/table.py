"""The report of an audit for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.audit import AuditReport

SHOWN_FINDINGS = 20
"""Findings listed at the end; all of them are in the JSON."""


def to_audit_table(report: AuditReport) -> str:
    """What was looked at, how many findings there are of each kind, and the first of them."""
    from ingest.sources.uris import to_printable

    lines = [
        f"index      {report.url}, collection {report.collection}",
        f"model      {report.model_id}",
        f"looked at  {report.points:,} points, {report.items:,} items of {_to_names(report)}",
        f"took       {report.seconds:.1f} s",
    ]
    if report.repair is not None:
        changes = report.repair.counts.changes
        items = ", ".join(f"{number:,} {name}" for name, number in changes.items())
        lines.append(f"repaired   {len(report.repaired):,} findings; items: {items}")
        lines += report.repair.notes
        lines += map(str, report.repair.problems)
    lines += report.notes
    lines += [f"{kind:<12}{count:>9,}" for kind, count in report.counts.items()]
    lines += [
        f"  {one.kind}: {to_printable(one.location or one.source_uri)}: {one.message}"
        for one in report.findings[:SHOWN_FINDINGS]
    ]
    if len(report.findings) > SHOWN_FINDINGS:
        lines.append(f"  ... and {len(report.findings) - SHOWN_FINDINGS:,} more")
    return "\n".join([*lines, _to_verdict(report)])


def _to_names(report: AuditReport) -> str:
    return ", ".join(report.roots) or "no root"


def _to_verdict(report: AuditReport) -> str:
    if report.interrupted:
        return "interrupted: this is not all"
    if not report.findings:
        return "sources, ledger and collection agree"
    if report.repair is not None:
        return "what is listed above could not be repaired"
    return "run again with --repair to mend it"
