"""The page: what its templates cost once there is an answer, and what is transferred."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchmarks.serving.load import read_whole
from benchmarks.serving.queries import PHRASES
from benchmarks.serving.served import RENDER_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_pages(port: int, rounds: int) -> tuple[list[float], list[int]]:
    """Ask the page for every phrase, one after another.

    Args:
        port: On 127.0.0.1.
        rounds: How often.

    Returns:
        Seconds of the templates, and sizes of the HTML as it is sent, packed.
    """
    return asyncio.run(_read_pages(port, rounds))


async def _read_pages(port: int, rounds: int) -> tuple[list[float], list[int]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seconds, sizes = [], []
    for request in _iter_requests(rounds):
        writer.write(request)
        status, fields, body = await read_whole(reader)
        if status == 200:  # noqa: PLR2004 - OK
            seconds.append(float(fields[RENDER_FIELD]))
            sizes.append(len(body))
    writer.close()
    return seconds, sizes


def _iter_requests(rounds: int) -> Iterator[bytes]:
    for _ in range(rounds):
        for phrase in PHRASES:
            line = f"GET /?q={quote(phrase)} HTTP/1.1"
            yield f"{line}\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n".encode()
