"""``diptych mcp``: the tools over stdin and stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from schemas.settings import Settings


@click.command()
@click.option("--url", help="Server, or folder of an embedded index.  [default: diptych-index]")
@click.option("--collection", help="Collection in the index.  [default: diptych]")
def mcp(*, url: str | None, collection: str | None) -> None:
    """Offer search to a language model's application, over stdin and stdout (MCP).

    The application starts this command by itself; see docs/mcp.md. The index is opened at the first
    call. Over HTTP the same tools are at /mcp of `diptych serve`.
    """
    import anyio

    from schemas.settings import load_settings

    anyio.run(_serve, load_settings(url=url, collection=collection))


async def _serve(settings: Settings) -> None:
    from mcp.server.stdio import stdio_server

    from search.server.lazy_service import LazyService
    from search.server.mcp_server import create_mcp_server

    service = LazyService(settings)
    server = create_mcp_server(service.get)
    try:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
    finally:
        await service.close()
