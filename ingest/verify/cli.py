"""``diptych verify``: a thin layer over :class:`ingest.verify.job.VerifyJob`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ingest.cli import set_on_signal
from ingest.index_options import index_options
from ingest.logs import log_options


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--repair", is_flag=True, help="Mend what is found; encode only what must be.")
@click.option("--checksum", is_flag=True, help="Hash every file, whatever its times say.")
@click.option("--allow-mass-delete", is_flag=True, help="Remove even a large share of a root.")
@index_options
@click.option("--model", help="Model id or folder.  [default: the collection's]")
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the report there, as JSON.",
)
@click.option(
    "--metrics",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write metrics for Prometheus there: a .prom file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@log_options
def verify(
    sources: tuple[str, ...],
    *,
    repair: bool,
    checksum: bool,
    allow_mass_delete: bool,
    report_path: Path | None,
    metrics: Path | None,
    as_json: bool,
    **flags: object,
) -> int:
    """Compare the collection with its sources and with the ledger.

    Looks at every point and every listed item, and names what is missing, stale, orphaned,
    duplicated, of a wrong space, not finite, unreachable or unknown to the ledger. Exits with 4
    when there is anything. Without --repair the collection is left as it is.
    """
    from threading import Event

    stopping = Event()
    set_on_signal(stopping)
    from ingest.sync.session import SyncOptions
    from ingest.telemetry.publish import Outlets, run_published
    from ingest.verify.job import VerifyJob
    from ingest.verify.table import to_audit_table
    from schemas.settings import RootSettings, load_settings

    settings = load_settings(**flags)
    roots = [RootSettings(source=source) for source in sources]
    options = SyncOptions(allow_mass_delete=allow_mass_delete, checksum=checksum)
    job = VerifyJob(roots, settings, options=options, repairs=repair, stopping=stopping)
    outlets = Outlets(report_path, metrics)
    report = run_published(job.run, settings, outlets, command="verify")
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else to_audit_table(report))
    return report.exit_code
