"""``diptych sync``: a thin layer over :class:`ingest.sync.job.SyncJob`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.cli import set_on_signal
from ingest.index_options import index_options
from ingest.logs import log_options

if TYPE_CHECKING:
    from threading import Event
    from typing import Any

    from ingest.sync.session import SyncOptions
    from ingest.telemetry.publish import Outlets
    from schemas.settings import RootSettings, Settings
    from schemas.sync_report import SyncReport


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--name", help="Name of the root, where there is one SOURCE.")
@click.option("--include", multiple=True, metavar="GLOB", help="Only files that match; repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No files that match; repeatable.")
@click.option("--hidden", is_flag=True, help="Also files and folders whose name begins with a dot.")
@click.option("--allow-mass-delete", is_flag=True, help="Remove even a large share of a root.")
@click.option("--checksum", is_flag=True, help="Hash every file, whatever its times say.")
@click.option("--retry-failed", is_flag=True, help="Try again what failed and has not changed.")
@click.option("--plan", "plans", is_flag=True, help="Only say what would be done, and why.")
@click.option("--watch", is_flag=True, help="Stay, and run again whenever something changes.")
@click.option(
    "--every",
    "every_seconds",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    help="With --watch: run at least so often, in seconds.",
)
@index_options
@click.option("--model", help="Model id or folder.  [default: the collection's]")
@click.option(
    "--report",
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
def sync(  # noqa: PLR0913 - one parameter an option
    sources: tuple[str, ...],
    *,
    name: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    hidden: bool,
    allow_mass_delete: bool,
    checksum: bool,
    retry_failed: bool,
    plans: bool,
    watch: bool,
    every_seconds: float,
    report: Path | None,
    metrics: Path | None,
    as_json: bool,
    **flags: object,
) -> int:
    """Make the collection equal to its sources.

    Each SOURCE is a root: a folder, table, shards, saved dataset or bucket. Without any, the roots
    are those of [[roots]] in diptych.toml, else those that the collection was filled from. What is
    new or has changed is encoded, what was renamed is re-pointed, what vanished is removed. Run it
    again at any time: with nothing to do it encodes and writes nothing.
    """
    if plans and watch:
        raise click.UsageError("--plan and --watch are two different things")
    from threading import Event

    stopping = Event()
    set_on_signal(stopping)
    from ingest.sync.session import SyncOptions
    from schemas.settings import load_settings

    settings = load_settings(**flags)
    listing = {"name": name, "include": include, "exclude": exclude, "hidden": hidden}
    roots = to_roots(sources, listing)
    options = SyncOptions(
        allow_mass_delete=allow_mass_delete, checksum=checksum, retry_failed=retry_failed
    )
    if plans:
        return _plan(roots, settings, options, stopping, as_json=as_json)
    from ingest.sync.job import SyncJob
    from ingest.telemetry.publish import Outlets, run_published

    outlets = Outlets(report, metrics)
    if watch:
        return _watch(
            roots, settings, options, stopping, every_seconds=every_seconds, outlets=outlets
        )
    job = SyncJob(roots, settings, options=options, stopping=stopping)
    done = run_published(job.run, settings, outlets)
    _show(done, as_json=as_json)
    return done.exit_code


def to_roots(sources: tuple[str, ...], listing: dict[str, Any]) -> list[RootSettings]:
    """The roots that a command line names.

    Raises:
        UsageError: Options that concern one source are given for none or several.
    """
    from schemas.settings import RootSettings

    given = [option for option, value in listing.items() if value]
    if given and not sources:
        raise click.UsageError(f"--{given[0]} needs a SOURCE; diptych.toml has it in [[roots]]")
    if listing["name"] and len(sources) > 1:
        raise click.UsageError("--name needs exactly one SOURCE")
    return [RootSettings(source=source, **listing) for source in sources]


def _plan(
    roots: list[RootSettings],
    settings: Settings,
    options: SyncOptions,
    stopping: Event,
    *,
    as_json: bool,
) -> int:
    from ingest.sync.plan_table import to_plan_table
    from ingest.sync.planning import make_plan

    plan = make_plan(roots, settings, options=options, stopping=stopping)
    click.echo(json.dumps(plan.to_json(), indent=2) if as_json else to_plan_table(plan))
    return plan.exit_code


def _watch(
    roots: list[RootSettings],
    settings: Settings,
    options: SyncOptions,
    stopping: Event,
    *,
    every_seconds: float,
    outlets: Outlets,
) -> int:
    from ingest.sync.watch import watch
    from ingest.telemetry.publish import run_published

    def show(report: SyncReport) -> None:
        _show(report, as_json=False)

    return watch(
        roots,
        settings,
        options,
        stopping=stopping,
        every_seconds=every_seconds,
        on_report=show,
        run_once=lambda job: run_published(job.run, settings, outlets),
    )


def _show(report: SyncReport, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
        return
    from ingest.sync.table import to_sync_table

    click.echo(to_sync_table(report))
