"""Clients that cost next to nothing: prepared requests over kept connections."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from random import uniform
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUSY = 429
OK = 200
_LARGEST_HEAD_BYTES = 1 << 16


@dataclass(slots=True)
class Outcome:
    """What clients saw.

    Attributes:
        statuses: Answers by status; 0 for a connection that broke.
        seconds: Of each that was answered, by kind of request.
        wall_seconds: From the first request to the last answer.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    wall_seconds: float = 0.0

    @property
    def answered(self) -> int:
        """How many got what they asked for."""
        return self.statuses[OK]

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answered / self.wall_seconds

    def to_percentiles(self, kind: str | None = None) -> tuple[float, ...]:
        """The 50th, 95th and 99th of the seconds, of one kind or of all."""
        every = [
            one for name, all_of in self.seconds.items() if kind in (None, name) for one in all_of
        ]
        return tuple(np.percentile(every, (50, 95, 99))) if every else (float("nan"),) * 3

    def add(self, other: Outcome) -> None:
        """Take in another round's."""
        self.statuses += other.statuses
        self.wall_seconds += other.wall_seconds
        for kind, seconds in other.seconds.items():
            self.seconds.setdefault(kind, []).extend(seconds)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prepared request.

    Attributes:
        kind: What it is counted under.
        content: The whole of it.
    """

    kind: str
    content: bytes


def to_request(path: str, body: bytes, media_type: str = "application/json") -> bytes:
    """A POST request over HTTP/1.1."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def run_load(
    port: int,
    requests: list[Asked],
    *,
    clients: int,
    watch: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Ask everything once, each client one after another; whoever is told to wait waits.

    Args:
        port: On 127.0.0.1.
        requests: In order.
        clients: How many ask at a time.
        watch: Is told how many were answered, after each.
    """
    return asyncio.run(_run(port, requests, clients, watch))


async def _run(
    port: int, requests: list[Asked], clients: int, watch: Callable[[int], None]
) -> Outcome:
    outcome, queue = Outcome(), iter(requests)
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(_be_client(port, queue, outcome, watch))
    outcome.wall_seconds = time.perf_counter() - begun
    return outcome


async def _be_client(
    port: int, queue: Iterator[Asked], outcome: Outcome, watch: Callable[[int], None]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for asked in queue:
        status, wait_seconds, begun = BUSY, 0.0, 0.0
        while status == BUSY:
            begun = time.perf_counter()
            try:
                writer.write(asked.content)
                status, wait_seconds = await read_answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                status = 0
            outcome.statuses[status] += 1
            if status == BUSY:
                # Not all of them at the same moment.
                await asyncio.sleep(wait_seconds * uniform(1, 2))  # noqa: S311 - no secret
            elif status == 0:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        outcome.seconds.setdefault(asked.kind, []).append(time.perf_counter() - begun)
        watch(outcome.answered)
    writer.close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, float]:
    """The status of the next answer, and the seconds that it asks to wait."""
    status, fields, _ = await read_whole(reader)
    return status, float(fields.get("retry-after", 0))


async def read_whole(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The next answer: status, header fields by lower-case name, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lines = head.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    body = await reader.readexactly(int(fields["content-length"]))
    return int(lines[0].split()[1]), fields, body
