"""``diptych serve``: the HTTP API and the web page over one index."""

from __future__ import annotations

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--url", help="Server, or folder of an embedded index.  [default: diptych-index]")
@click.option("--collection", help="Collection in the index.  [default: diptych]")
def serve(*, host: str, port: int, url: str | None, collection: str | None) -> None:
    """Serve the HTTP API and the web page."""
    import uvicorn

    from schemas.settings import load_settings
    from search.server.app import create_app

    app = create_app(load_settings(url=url, collection=collection))
    uvicorn.run(app, host=host, port=port)
