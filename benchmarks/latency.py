"""What a warm search costs beside the model's own forward pass, and what searching at once gives.

    python -m benchmarks.latency

Part one: an embedded index, one process, short English queries with ``hinge-en-1``; encoding a
query by itself and the whole search in turns, query by query. Part two: the same queries against a
server that costs next to nothing (:mod:`benchmarks.null_server`), one after another, 64 at a time
through :class:`search.async_searcher.AsyncSearcher`, and as one batch.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ingest.background import refresh_background
from ingest.encoders.canary import canary_vectors
from ingest.encoders.hinge.encoder import HingeEncoder
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from ingest.store.writer import Writer
from schemas.collection import to_point
from schemas.records import Chunk, Modality, Record
from schemas.space import Role
from search.async_searcher import AsyncSearcher
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qdrant_client import models

    from ingest.store.engine import Engine

NAME = "bench"
IN_FLIGHT = 64
QUERIES = tuple(
    f"{what} {where}"
    for what in ("a dog", "two old friends", "a steam engine", "soldiers", "a bowl of soup")
    for where in ("on a beach", "in the snow", "at night", "in a museum", "under a tree")
)


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    encoder = HingeEncoder()
    queries = QUERIES * given.rounds
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(str(Path(folder, "index")))
        fill(engine, encoder, given.points)
        with Searcher.follow(engine, NAME, lambda _: encoder) as searcher:
            print_warm(searcher, encoder, queries, given.points)
    with null_server() as url:
        engine = connect(url, prefer_grpc=False)
        fill(engine, encoder, 200)
        with Searcher.follow(engine, NAME, lambda _: encoder) as searcher:
            print_concurrent(searcher, url, queries)


def fill(engine: Engine, encoder: HingeEncoder, points: int) -> None:
    """Random directions with the usual payloads, half of them images."""
    canary = canary_vectors(encoder, encoder.space.modalities)
    generation = ensure_collection(engine, NAME, encoder.space, canary).name
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((points, encoder.space.dimension), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    made = [to_bench_point(number, row) for number, row in enumerate(rows)]
    Writer(engine, generation).upsert(made)
    refresh_background(engine, generation)
    engine.flush()
    engine.optimize(generation)


def to_bench_point(
    number: int, row: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> models.PointStruct:
    """An image or a text."""
    modality = tuple(Modality)[number % 2]
    record = Record(
        source_uri=f"folder://bench/{number}",
        root="bench",
        location=f"/bench/{number}",
        media_type="image/jpeg" if number % 2 == 0 else "text/plain",
        modality=modality,
        size_bytes=1000,
    )
    text = "" if number % 2 == 0 else "a few words " * 20
    return to_point(Chunk(record, 0, 1, f"blake3:{number}", text=text), row, "blake3:bench")


def print_warm(
    searcher: Searcher, encoder: HingeEncoder, queries: Sequence[str], points: int
) -> None:
    """Median of each, and their ratio."""
    forward: list[float] = []
    whole: dict[str, list[float]] = {"image": [], "text": [], "any": []}
    for query in (*queries[:5], *queries):
        forward.append(timed(lambda query=query: encoder.encode_texts([query], Role.QUERY)))
        for target, times in whole.items():
            times.append(
                timed(lambda query=query, target=target: searcher.search(query, target=target))
            )
    base = statistics.median(forward[5:])
    print(f"{points:,} points, embedded; the model's forward pass: {1000 * base:.2f} ms")
    for target, times in whole.items():
        median = statistics.median(times[5:])
        print(f"  search for {target:6} p50 {1000 * median:6.2f} ms, {median / base:.2f} of it")


def print_concurrent(searcher: Searcher, url: str, queries: Sequence[str]) -> None:
    """Queries a second."""
    searcher.search_batch(queries, target="image")
    searcher.search(queries[0], target="image")
    request = urllib.request.Request(f"{url}/freeze", method="POST")  # noqa: S310 - our own child
    urllib.request.urlopen(request).read()  # noqa: S310 - likewise
    ways = {
        "one after another": lambda: [searcher.search(one, target="image") for one in queries],
        f"{IN_FLIGHT} at a time": lambda: asyncio.run(ask_all(searcher, queries)),
        "one batch": lambda: searcher.search_batch(queries, target="image"),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(3):
        for name, way in ways.items():
            rates[name].append(timed(way))
    serial = statistics.median(next(iter(rates.values())))
    print(f"\n{len(queries)} queries against a null server")
    for name, times in rates.items():
        median = statistics.median(times)
        print(f"  {name:20} {len(queries) / median:7.1f} queries/s, {serial / median:.2f}x")


async def ask_all(searcher: Searcher, queries: Sequence[str]) -> None:
    """All queries, so many in flight; any error ends it."""
    found = AsyncSearcher(searcher)
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def ask(query: str) -> None:
        async with gate:
            await found.search(query, target="image")

    await asyncio.gather(*(ask(query) for query in queries))


def timed(call: object) -> float:
    """Seconds."""
    begun = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - begun


@contextmanager
def null_server() -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "benchmarks.null_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - asked for
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
