"""Clients that mean no good: image bombs, torn files, bodies over the limit, a byte a second."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections import Counter
from contextlib import contextmanager
from io import BytesIO
from multiprocessing import get_context
from typing import TYPE_CHECKING

from benchmarks.serving.load import read_answer, to_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

BOMB_SIDE_PIXELS = 7_000
"""49 megapixels, just under what is decoded at all; 160 kB as a PNG."""

OVER_THE_LIMIT_BYTES = 11_000_000
UPLOADERS = 4
SLOW_CLIENTS = 20
PAUSE_SECONDS = 0.5
_ANSWER_SECONDS = 60


def to_attacks() -> dict[str, bytes]:
    """Requests by name: what the server should refuse, or answer without harm to others."""
    from PIL import Image

    def to_png(side_pixels: int) -> bytes:
        buffer = BytesIO()
        Image.new("RGB", (side_pixels, side_pixels), "navy").save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    bomb, small = to_png(BOMB_SIDE_PIXELS), to_png(600)
    return {
        "49 MP in a PNG": _to_search(bomb),
        "100 MP in a PNG": _to_search(to_png(10_000)),
        "a torn PNG": _to_search(small[: len(small) // 2]),
        "11 MB": to_request("/v1/search", b" " * OVER_THE_LIMIT_BYTES),
    }


@contextmanager
def attack(port: int) -> Iterator[dict[str, Counter[int]]]:
    """Attack from another process until the end of the block.

    Yields:
        Answers by attack and status (0: the connection was closed), filled when the block ends.
    """
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_attack, args=(port, to_attacks(), there), daemon=True)
    process.start()
    here.recv()  # it has begun
    found: dict[str, Counter[int]] = {}
    try:
        yield found
    finally:
        here.send("end")
        if here.poll(2 * _ANSWER_SECONDS):
            found.update(here.recv())
        process.kill()
        process.join()


def _to_search(image: bytes) -> bytes:
    body = json.dumps({"image": b64encode(image).decode(), "target": "image"})
    return to_request("/v1/search", body.encode())


def _attack(port: int, attacks: dict[str, bytes], parent: Connection) -> None:
    statuses: dict[str, Counter[int]] = {name: Counter() for name in (*attacks, "slow")}
    parent.send("begun")
    asyncio.run(_attack_until_told(port, attacks, parent, statuses))
    parent.send(statuses)


async def _attack_until_told(
    port: int,
    attacks: dict[str, bytes],
    parent: Connection,
    statuses: dict[str, Counter[int]],
) -> None:
    tasks = [
        asyncio.create_task(_upload(port, attacks, statuses, number)) for number in range(UPLOADERS)
    ]
    tasks += [asyncio.create_task(_drip(port, statuses["slow"])) for _ in range(SLOW_CLIENTS)]
    while not parent.poll():  # noqa: ASYNC110 - a pipe of another process
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _upload(
    port: int, attacks: dict[str, bytes], statuses: dict[str, Counter[int]], number: int
) -> None:
    """One attack after another, each client beginning with another one."""
    names = list(attacks)
    while True:
        for name in names[number:] + names[:number]:
            statuses[name][await _ask_once(port, attacks[name])] += 1
            await asyncio.sleep(PAUSE_SECONDS)


async def _ask_once(port: int, request: bytes) -> int:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            status, _ = await asyncio.wait_for(read_answer(reader), _ANSWER_SECONDS)
        finally:
            writer.close()
    except (OSError, EOFError, TimeoutError):
        return 0
    return status


async def _drip(port: int, statuses: Counter[int]) -> None:
    """A search, a byte a second, again and again."""
    request = to_request("/v1/search", json.dumps({"text": "a slow client" * 20}).encode())
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answer = asyncio.create_task(read_answer(reader))
            for byte in request:
                writer.write(bytes([byte]))
                if answer.done():
                    break
                await asyncio.sleep(1)
            statuses[(await answer)[0]] += 1
        except (OSError, EOFError):
            statuses[0] += 1
            await asyncio.sleep(1)
