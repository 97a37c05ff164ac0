"""The report of a synchronisation for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.report_table import to_failure_lines

if TYPE_CHECKING:
    from schemas.report import Counts
    from schemas.sync_report import SyncReport

_COLUMNS = ("scanned", "added", "updated", "moved", "deleted", "unchanged", "failed")
_WIDTH = 11


def to_sync_table(report: SyncReport) -> str:
    """The report: what stands where, a line a root, what failed, what was refused."""
    from ingest.sources.uris import to_printable

    points = "" if report.points is None else f", {report.points:,} points"
    lines = [
        f"index      {report.url}, collection {report.collection}{points}",
        f"model      {report.model_id} ({report.fingerprint.removeprefix('blake3:')[:12]})",
        f"took       {report.seconds:.1f} s",
        "",
        "".join(f"{name:>{_WIDTH}}" for name in _COLUMNS) + "  root",
    ]
    lines += [
        f"{_to_row(root.counts)}  {root.root} ({to_printable(root.location)})"
        for root in report.roots
    ]
    if len(report.roots) > 1:
        lines.append(f"{_to_row(report.counts)}  together")
    for root in report.roots:
        lines += [f"{root.root}: {note}" for note in root.notes]
        lines += to_failure_lines(root)
    lines += report.notes
    lines += map(str, report.problems)
    if report.rebuilt:
        lines.append("The ledger was missing or out of step and has been read anew from the index.")
    if report.is_interrupted:
        lines.append("interrupted: run the same command again to go on")
    return "\n".join(lines)


def _to_row(counts: Counts) -> str:
    shown = {"scanned": counts.scanned, "unchanged": counts.unchanged, **counts.changes}
    return "".join(f"{shown[name]:>{_WIDTH},}" for name in _COLUMNS)
