"""``diptych migrate``: a thin layer over :class:`ingest.migrate.job.MigrateJob`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.cli import set_on_signal
from ingest.index_options import index_options
from ingest.logs import log_options

if TYPE_CHECKING:
    from schemas.settings import Settings


@click.command()
@click.option("--model", help="Model id or folder.  [default: the collection's]")
@click.option("--revision", help="Exact revision of a Hugging Face model.")
@click.option("--backend", help="What runs the model: torch, onnx or openvino.")
@click.option("--dtype", help="Arithmetic: float32, bfloat16, float16 or int8.")
@click.option("--frames", type=int, help="Images taken of an animation or multi-page image.")
@click.option("--figures/--no-figures", default=None, help="Index images in documents (default).")
@click.option("--ocr/--no-ocr", default=None, help="Read words in images (extra `ocr`).")
@click.option("--overlap", "chunk_overlap_tokens", type=int, help="Tokens neighbours share.")
@click.option(
    "--pairs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Queries with what they must find, as JSON lines; without it items must find themselves.",
)
@click.option("--no-evaluate", is_flag=True, help="Do not compare what the two generations find.")
@click.option("--force", is_flag=True, help="Publish one that finds less.")
@click.option("--allow-missing", is_flag=True, help="Publish one that lacks items or roots.")
@click.option("--rollback", is_flag=True, help="Go back to the generation that was live before.")
@click.option("--prune-generations", "prunes", is_flag=True, help="Only remove old generations.")
@click.option("--abandon", is_flag=True, help="With it: also remove one that is being built.")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Generations that are kept for a rollback.",
)
@index_options
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
def migrate(  # noqa: PLR0913 - one parameter an option
    *,
    pairs: Path | None,
    no_evaluate: bool,
    force: bool,
    allow_missing: bool,
    rollback: bool,
    prunes: bool,
    abandon: bool,
    keep: int,
    report_path: Path | None,
    metrics: Path | None,
    as_json: bool,
    **flags: object,
) -> int:
    """Build a new generation of the collection, and put it in place of the live one.

    Everything that the collection was filled from is encoded into a generation beside the live one,
    which goes on answering. Then the new one is verified and compared with it, and takes its place
    by one change of an alias. A build that is interrupted goes on when the command is repeated.
    """
    if rollback and prunes:
        raise click.UsageError("--rollback and --prune-generations are two different things")
    from schemas.settings import load_settings

    settings = load_settings(**flags)
    if rollback:
        return _roll_back(settings)
    if prunes:
        return _prune(settings, keep=keep, abandon=abandon)
    from threading import Event

    from ingest.migrate.job import MigrateJob, MigrationOptions
    from ingest.sync.table import to_sync_table
    from ingest.telemetry.publish import Outlets, run_published

    stopping = Event()
    set_on_signal(stopping)
    options = MigrationOptions(
        pairs=pairs,
        evaluates=not no_evaluate,
        force=force,
        allow_missing=allow_missing,
        keep=keep,
    )
    job = MigrateJob(settings, options=options, stopping=stopping)
    outlets = Outlets(report_path, metrics)
    report = run_published(job.run, settings, outlets, command="migrate")
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else to_sync_table(report))
    return report.exit_code


def _roll_back(settings: Settings) -> int:
    from ingest.store.connect import open_store
    from ingest.store.generations import roll_back

    with open_store(settings) as engine:
        live, before = roll_back(engine, settings.collection)
    click.echo(
        f"{settings.collection!r} means {live} again, {before} is kept. What changed in the "
        "sources since it was live, diptych sync brings in."
    )
    return 0


def _prune(settings: Settings, *, keep: int, abandon: bool) -> int:
    from ingest.migrate.upkeep import prune_generations
    from ingest.store.connect import open_store

    with open_store(settings) as engine:
        removed = prune_generations(engine, settings, keep=keep, abandon=abandon)
    click.echo(f"removed: {', '.join(removed) or 'nothing'}")
    return 0
