"""``diptych serve``: the HTTP API and the web page over one index."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from ingest.index_options import index_options
from ingest.logs import log_options

NEEDED: Final = ("fastapi", "jinja2", "mcp", "python_multipart", "uvicorn")


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 for any.  [default: 8000]")
@index_options
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Who may ask: a line read:TOKEN or write:TOKEN each.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes; several need a Qdrant server.  [default: 1]",
)
@click.option(
    "--inbox",
    type=click.Path(path_type=Path, file_okay=False),
    help="Take records over HTTP into this folder, a root of the collection.",
)
@click.option(
    "--sync-every",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Bring the collection up to date so often.",
)
@log_options
def serve(*, url: str | None, collection: str | None, **flags: object) -> None:
    """Serve the HTTP API and the web page.

    It answers this machine alone, and needs a token to listen elsewhere. SIGTERM and Ctrl-C stop
    it when what runs is finished.
    """
    from schemas.errors import SettingsError
    from schemas.settings import load_settings

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise SettingsError(f"serve needs {missing[0]}: pip install 'diptych[server]'")
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(url=url, collection=collection, serve=given)
    from search.server.running import run

    run(settings)
