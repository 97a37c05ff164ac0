"""The report of a run as a JSON file: where the caller names one, and the newest in the state."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingest.durable import replacing
from schemas.audit import AuditReport
from schemas.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.sync_report import SyncReport

    Report = SyncReport | AuditReport

REPORTS = "reports"
"""The folder in the state folder."""

KEPT_REPORTS = 100
"""Four days of a run every hour; a report without failures has some two kilobytes."""


def write_report(path: Path, report: Report) -> None:
    """Replace a file by the report, whole or not at all; it then survives a loss of power.

    Args:
        path: Of the file; its folder is made.
        report: Written as its ``to_json`` gives it.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            json.dump(report.to_json(), stream, indent=2)
            stream.write("\n")
    except OSError as error:
        raise StoreError(
            f"the report cannot be written to {path} ({error.strerror or error}); "
            f"{to_outcome(report)}: make room, or name another file with --report"
        ) from error


def archive_report(state_dir: Path, report: Report, *, keep: int = KEPT_REPORTS) -> Path:
    """Add a report to those in the state folder, and remove all but the newest.

    A file is called ``<started>-<run_id>.json``, the time in UTC without separators, so that the
    order of names is that of time. The one just written stays even where the clock was set back.

    Args:
        state_dir: See :func:`ingest.sync.state.to_state_dir`.
        report: What is written.
        keep: Reports that stay, at least 1.

    Returns:
        The new file.

    Raises:
        StoreError: It cannot be written. What cannot be removed is left for the next run.
    """
    folder = state_dir / REPORTS
    path = folder / f"{_to_stamp(report.started_at)}-{report.run_id}.json"
    write_report(path, report)
    others = sorted(other for other in folder.glob("*.json") if other != path)
    for old in others[: max(len(others) - keep + 1, 0)]:
        with suppress(OSError):
            old.unlink()
    return path


def to_outcome(report: Report) -> str:
    """What a run did, for the error that is raised when this cannot be told in full."""
    if report.problems:
        return f"the run itself ended with exit status {report.exit_code}"
    if isinstance(report, AuditReport):
        return f"the audit itself is done, with {len(report.findings)} findings left"
    changes = ", ".join(f"{number} {name}" for name, number in report.counts.changes.items())
    return f"the run itself is done ({changes}) and stays done"


def _to_stamp(started_at: str) -> str:
    return datetime.fromisoformat(started_at).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
