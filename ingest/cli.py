"""``diptych ingest``: a thin layer over :class:`ingest.job.IngestJob`."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from ingest.index_options import index_options
from ingest.logs import log_options, to_line

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from ingest.job import IngestJob
    from ingest.sources.source import Source
    from schemas.settings import RootSettings, Settings


@click.command()
@click.argument("source")
@click.option("--name", help="Name of this root in the index.  [default: the source's own]")
@click.option("--include", multiple=True, metavar="GLOB", help="Only files that match; repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No files that match; repeatable.")
@click.option("--hidden", is_flag=True, help="Also files and folders whose name begins with a dot.")
@click.option(
    "--column",
    "column",
    multiple=True,
    metavar="ROLE=NAME",
    help="A table's column for path, url, content, text, caption, title, id, media_type or "
    "vector; repeatable.",
)
@click.option("--base", help="Folder of a table's paths.  [default: the table's own]")
@click.option("--split", help="Of a saved dataset that has several.")
@click.option(
    "--allow-host",
    "allow_host",
    multiple=True,
    metavar="HOST",
    help="Host that a table's URLs may be fetched from; repeatable.",
)
@click.option("--frames", type=int, help="Images taken of an animation or multi-page image.")
@click.option("--figures/--no-figures", default=None, help="Index images in documents (default).")
@click.option("--ocr/--no-ocr", default=None, help="Read words in images (extra `ocr`).")
@index_options
@click.option("--model", help="Model id or folder.  [default: hinge-en-2]")
@click.option("--revision", help="Exact revision of a Hugging Face model.")
@click.option("--backend", help="What runs the model: torch, onnx or openvino.")
@click.option("--dtype", help="Arithmetic: float32, bfloat16, float16 or int8.")
@click.option("--workers", type=int, help="Threads that encode; 0 is one a core.")
@click.option("--decode-workers", type=int, help="Items decoded at once; 0 is one a core.")
@click.option("--read-workers", type=int, help="Items read at once; 0 chooses by the source.")
@click.option("--batch-size", type=int, help="Items encoded in one call.")
@click.option("--retry-failed", is_flag=True, help="Try again what failed and has not changed.")
@click.option("--dead-letters", type=click.Path(path_type=Path), help="Where to list failures.")
@click.option("--plan", is_flag=True, help="Only tell what would be done, and how long it takes.")
@click.option("--tune", is_flag=True, help="Measure workers and batch sizes first, use the best.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@log_options
def ingest(  # noqa: PLR0913 - one parameter an option
    source: str,
    dead_letters: Path | None,
    *,
    column: tuple[str, ...],
    allow_host: tuple[str, ...],
    retry_failed: bool,
    plan: bool,
    tune: bool,
    as_json: bool,
    **flags: object,
) -> int:
    """Index the images and documents of SOURCE.

    SOURCE is a folder, a table (.jsonl, .csv, .parquet), tar shards (shards-{000..009}.tar), a
    saved dataset, or a bucket (s3://bucket/photos). Run it again at any time: only what is new or
    has changed is encoded. Items that cannot be indexed are listed at the end and in the
    dead-letter file, and the exit status is 3.
    """
    stopping = Event()
    is_measuring = plan or tune  # which writes nothing, so that an interrupt may end it at once
    if not is_measuring:
        set_on_signal(stopping)  # before what takes long to import
    from ingest.job import IngestJob

    listing: dict[str, Any] = {name: flags.pop(name) for name in _LISTING_OPTIONS}
    settings = _load_settings(column, allow_host, flags)
    _check_heeded(source, columns=column, allow_hosts=allow_host)
    opened = _open(source, settings, listing)
    if plan:
        return _show_plan(opened, settings, as_json=as_json)
    job = IngestJob(
        opened,
        settings,
        dead_letters=dead_letters,
        stopping=stopping,
        retry_failed=retry_failed,
        root=_to_root(source, settings, listing),
    )
    if tune:
        _show_tuning(job)
        set_on_signal(stopping)
    report = job.run()
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        from ingest.report_table import to_table

        click.echo(to_table(report))
    return report.exit_code


_LISTING_OPTIONS = ("name", "include", "exclude", "hidden", "base", "split")
"""Options that say how the source is listed, and are no settings."""


def _load_settings(
    column: tuple[str, ...], allow_host: tuple[str, ...], flags: dict[str, object]
) -> Settings:
    from schemas.settings import load_settings

    columns = dict(_to_pair(one) for one in column)
    return load_settings(columns=columns or None, allow_hosts=allow_host or None, **flags)


def _to_pair(given: str) -> tuple[str, str]:
    role, separator, name = given.partition("=")
    if not (role and separator):
        raise click.BadParameter(f"{given!r} is not ROLE=NAME", param_hint="--column")
    return role, name


def _check_heeded(source: str, **given: tuple[str, ...]) -> None:
    """In a settings file they may concern other sources; whoever types them means this one."""
    from ingest.sources.open import check_heeded

    check_heeded(source, [name for name, values in given.items() if values])


def _open(source: str, settings: Settings, listing: dict[str, Any]) -> Source:
    from ingest.sources.open import SourceOptions, open_source

    options = SourceOptions(
        **listing,
        columns=settings.columns,
        allow_hosts=settings.allow_hosts,
        storage_options=settings.storage_options,
        max_source_bytes=settings.max_source_bytes,
    )
    return open_source(source, options)


def _to_root(source: str, settings: Settings, listing: dict[str, Any]) -> RootSettings:
    """What ``sync`` will go by."""
    from schemas.settings import RootSettings

    shared = {"columns": settings.columns, "allow_hosts": settings.allow_hosts}
    return RootSettings(source=source, **listing, **shared)


def _show_plan(source: Source, settings: Settings, *, as_json: bool) -> int:
    from ingest.forecast import make_forecast
    from ingest.forecast_table import to_forecast_table
    from ingest.sources.own_index import without_index
    from ingest.store.connect import open_store

    with open_store(settings) as engine:
        forecast = make_forecast(
            without_index(source, settings.url),
            settings,
            engine=engine,
        )
    click.echo(json.dumps(forecast.to_json(), indent=2) if as_json else to_forecast_table(forecast))
    return 0


def _show_tuning(job: IngestJob) -> None:
    from ingest.forecast_table import to_tuning_table

    click.echo(to_tuning_table(job.tune()), err=True)


def set_on_signal(stopping: Event) -> None:
    """Let Ctrl-C or a termination request set an event; a second one ends the process at once."""
    import os
    import signal

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is signal's
        stopping.set()
        # Not print: interrupting another print, it would fail.
        os.write(2, to_line("Stopping: finishing what is under way ..."))
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
