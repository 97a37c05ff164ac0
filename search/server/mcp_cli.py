"""``diptych mcp``: the tools over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import redirect_stdout, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from ingest.index_options import index_options

if TYPE_CHECKING:
    from schemas.settings import Settings
    from search.server.lazy_service import LazyService


LOCAL: Final = {"show_locations": True}
"""The application runs on this machine, for whoever started it."""


@click.command()
@index_options
def mcp(*, url: str | None, collection: str | None) -> None:
    """Offer search to a language model's application, over stdin and stdout (MCP).

    The application starts this command by itself; see docs/mcp.md. The index is opened at the first
    call. Over HTTP the same tools are at /mcp of `diptych serve`.
    """
    from schemas.errors import SettingsError
    from schemas.settings import load_settings

    if find_spec("mcp") is None:
        raise SettingsError("mcp needs the SDK of that name: pip install 'diptych[server]'")
    asyncio.run(_serve(load_settings(url=url, collection=collection, serve=LOCAL)))


async def _serve(settings: Settings) -> None:
    """Until stdin ends, or a signal comes."""
    from mcp.server.stdio import stdio_server

    from search.server.lazy_service import LazyService
    from search.server.mcp_server import create_mcp_server

    service = LazyService(settings)
    server = create_mcp_server(service.get)
    _end_on_signal(service)
    try:
        async with stdio_server() as (read, write):
            # What is printed would lie in a buffer until the messages' stream is its again.
            with redirect_stdout(sys.stderr):
                await server.run(read, write, server.create_initialization_options())
    finally:
        await service.close()


def _end_on_signal(service: LazyService) -> None:
    """Close and go: the thread that waits for a line of stdin cannot be woken by anything else."""
    loop = asyncio.get_running_loop()
    ending: list[asyncio.Task[None]] = []

    async def end(number: int) -> None:
        await service.close()
        os._exit(128 + number)

    def begin(number: int) -> None:
        ending.append(loop.create_task(end(number)))

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # on Windows
            loop.add_signal_handler(number, begin, number)
