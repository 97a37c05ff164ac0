"""The status of a collection for people."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from schemas.report import Counts

if TYPE_CHECKING:
    from schemas.status import RootStatus, StatusReport

UNKNOWN = "-"
_COUNTS = ("images", "texts", "items", "failed")
_WIDTH = 10
_KILO = 1_000


def to_status_table(report: StatusReport) -> str:
    """What is indexed, a line a root and a line a generation."""
    lines = [
        f"index      {report.url}, collection {report.collection}, {report.points:,} points",
        f"model      {report.model_id} ({report.fingerprint.removeprefix('blake3:')[:12]})",
        f"last run   {_to_last_run(report)}",
        f"ledger     {_to_ledger(report)}",
    ]
    if report.index_bytes is not None:
        lines.append(f"on disk    {_to_size(report.index_bytes)}")
    lines += ["", "".join(f"{name:>{_WIDTH}}" for name in _COUNTS) + "  root"]
    lines += [_to_root_line(root) for root in report.roots]
    lines += report.notes
    lines += ["", *_to_generation_lines(report)]
    if report.failures:
        lines += ["", *(f"{count:>{_WIDTH},}  {kind}" for kind, count in report.failures.items())]
    return "\n".join(lines)


def _to_root_line(root: RootStatus) -> str:
    from ingest.sources.uris import to_printable

    shown = [getattr(root, name) for name in _COUNTS]
    counts = "".join(f"{UNKNOWN if one is None else f'{one:,}':>{_WIDTH}}" for one in shown)
    place = to_printable(root.source) if root.source else "not remembered"
    return f"{counts}  {root.root} ({place}), {root.finished_at or 'never synchronised'}"


def _to_generation_lines(report: StatusReport) -> list[str]:
    return [
        f"{one.points:>{_WIDTH},}  {one.name}: {one.state}, {one.model_id}, {one.created_at}"
        for one in report.generations
    ]


def _to_last_run(report: StatusReport) -> str:
    run = report.last_run
    if run is None:
        return "none is known"
    known = {field.name for field in fields(Counts)}  # another version may have kept others
    counts = {name: number for name, number in (run.get("counts") or {}).items() if name in known}
    changed = [f"{number:,} {name}" for name, number in Counts(**counts).changes.items()]
    command, ended, code = (run.get(key) for key in ("command", "finished_at", "exit_code"))
    return f"{command}, ended {ended}, exit status {code}: {', '.join(changed)}"


def _to_ledger(report: StatusReport) -> str:
    if report.ledger_path is None:
        return "none, as the index is in memory"
    return f"{report.ledger}, {report.ledger_path}, {_to_size(report.ledger_bytes)}"


def _to_size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < _KILO:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _KILO
    return f"{size:,.1f} TB"
