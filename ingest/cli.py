"""``diptych ingest``: a thin layer over :class:`ingest.job.IngestJob`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from threading import Event
    from types import FrameType

    from schemas.report import RunReport

SHOWN_FAILURES = 20
"""Failures listed at the end of the table; all of them are in the dead-letter file."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="Name of this root in the index.  [default: the folder's name]")
@click.option("--include", multiple=True, metavar="GLOB", help="Only files that match; repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No files that match; repeatable.")
@click.option("--hidden", is_flag=True, help="Also files and folders whose name begins with a dot.")
@click.option("--url", help="Server, or folder of an embedded index.  [default: diptych-index]")
@click.option("--collection", help="Collection in the index.  [default: diptych]")
@click.option("--model", help="Model id or folder.  [default: hinge-en-1]")
@click.option("--revision", help="Exact revision of a Hugging Face model.")
@click.option("--workers", type=int, help="Threads that decode and encode; 0 is one a core.")
@click.option("--batch-size", type=int, help="Items encoded in one call.")
@click.option("--dead-letters", type=click.Path(path_type=Path), help="Where to list failures.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def ingest(
    folder: Path,
    name: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    dead_letters: Path | None,
    *,
    hidden: bool,
    as_json: bool,
    **flags: object,
) -> int:
    """Index the images and documents below FOLDER.

    Run it again at any time: only what is new or has changed is encoded. Items that cannot be
    indexed are listed at the end and in the dead-letter file, and the exit status is 3.
    """
    stopping = _stop_on_signal()  # before what takes long to import
    from ingest.job import IngestJob
    from ingest.sources.folder import FolderSource
    from schemas.settings import load_settings

    settings = load_settings(**flags)
    source = FolderSource.open(folder, name=name, include=include, exclude=exclude, hidden=hidden)
    job = IngestJob(source, settings, dead_letters=dead_letters, stopping=stopping)
    report = job.run()
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else to_table(report))
    return report.exit_code


def to_table(report: RunReport) -> str:
    """The report for people: what happened, how long it took, what failed."""
    from ingest.sources.uris import to_printable

    counts = report.counts
    rows = [
        ("root", f"{report.root} ({to_printable(report.location)})"),
        ("index", f"{report.url}, collection {report.collection}"),
        ("model", f"{report.model_id} ({report.fingerprint.removeprefix('blake3:')[:12]})"),
        ("scanned", f"{counts.scanned:,} items"),
        ("added", f"{counts.added:,}"),
        ("updated", f"{counts.updated:,}"),
        ("unchanged", f"{counts.unchanged:,}"),
        ("failed", f"{counts.failed:,}"),
        ("written", f"{counts.images:,} image and {counts.texts:,} text points"),
        ("took", f"{report.seconds['total']:.1f} s"),
    ]
    lines = [f"{label:<10} {value}" for label, value in rows]
    if report.interrupted:
        lines.append("interrupted: run the same command again to go on")
    return "\n".join(lines + _to_failure_lines(report))


def _to_failure_lines(report: RunReport) -> list[str]:
    from ingest.sources.uris import to_printable

    shown = report.failures[:SHOWN_FAILURES]
    lines = [
        f"  {one.kind}: {to_printable(one.location or one.source_uri)}: {one.message}"
        for one in shown
    ]
    if len(report.failures) > len(shown):
        lines.append(f"  ... and {len(report.failures) - len(shown):,} more")
    return lines


def _stop_on_signal() -> Event:
    """An event that Ctrl-C or a termination request sets; a second one ends the process at once."""
    import os
    import signal
    from threading import Event

    stopping = Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is signal's
        stopping.set()
        # Not print: interrupting another print, it would fail.
        os.write(2, b"Stopping: finishing what is under way ...\n")
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping
