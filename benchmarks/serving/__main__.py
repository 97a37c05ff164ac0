"""What a server stands: many clients with and without micro-batching, long, and under attack.

    python -m benchmarks.serving --index FOLDER --parts batching attack memory

The index is an embedded one made with ``hinge-en-1``, whose photographs are where they were; it is
copied. Clients and servers are processes of their own, on the loopback interface alone.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.serving.hostile import attack
from benchmarks.serving.load import Asked, Outcome, run_load
from benchmarks.serving.pages import read_pages
from benchmarks.serving.queries import mix, to_requests
from benchmarks.serving.served import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.serving.served import Served

PARTS = ("batching", "attack", "memory", "page")
FIRST_PORT = 8410


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=600, help="a round")
    parser.add_argument("--long", type=int, default=20_000, help="requests of the memory part")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for part in given.parts:
            copies = [Path(shutil.copytree(given.index, f"{folder}/{part}-{n}")) for n in (0, 1)]
            words, pictures = to_requests(copies[0], images=60)
            run: Callable[..., None] = globals()[f"measure_{part}"]
            run(copies, words, pictures, given)
            for copy in copies:
                shutil.rmtree(copy)


def measure_batching(
    copies: list[Path], words: list[Asked], pictures: list[Asked], given: argparse.Namespace
) -> None:
    """The same requests to a server that asks together and to one that does not, by turns."""
    print("micro-batching | requests | statuses | a second | p50, p95, p99 ms | processor ms each")
    with ExitStack() as stack:
        ways = {
            name: stack.enter_context(
                serve(copy, FIRST_PORT + number, most_in_batch=most, max_searches=2 * given.clients)
            )
            for number, (copy, (name, most)) in enumerate(
                zip(copies, (("on", 16), ("off", 1)), strict=True)
            )
        }
        for what, images in (("words alone", []), ("one in five an image", pictures)):
            found = {name: Outcome() for name in ways}
            spent = dict.fromkeys(ways, 0.0)
            for server in ways.values():
                run_load(server.port, mix(words, images, count=100, seed=99), clients=8)
            for number in range(given.rounds):
                requests = mix(words, images, count=given.requests, seed=number)
                for name in sorted(ways, reverse=bool(number % 2)):
                    seconds = ways[name].read_processor_seconds()
                    found[name].add(run_load(ways[name].port, requests, clients=given.clients))
                    spent[name] += ways[name].read_processor_seconds() - seconds
            _print_ways(what, found, spent)


def measure_attack(
    copies: list[Path], words: list[Asked], pictures: list[Asked], given: argparse.Namespace
) -> None:
    """What others wait while a server is attacked, beside what they wait otherwise, by turns."""
    print("\nclients | statuses | a second | p50, p95, p99 ms")
    found = {"alone": Outcome(), "beside attackers": Outcome()}
    with serve(copies[0], FIRST_PORT + 2) as server:
        run_load(server.port, mix(words, pictures, count=100, seed=99), clients=8)
        for number in range(given.rounds):
            requests = mix(words, pictures, count=given.requests, seed=number)
            found["alone"].add(run_load(server.port, requests, clients=16))
            with attack(server.port) as attacks:
                found["beside attackers"].add(run_load(server.port, requests, clients=16))
            print("attacks:", {name: dict(statuses) for name, statuses in attacks.items()})
    for name, outcome in found.items():
        waits = "; ".join(f"{kind} {_to_ms(outcome, kind)}" for kind in sorted(outcome.seconds))
        print(f"{name} | {dict(outcome.statuses)} | {outcome.per_second:.1f} | {waits}")


def measure_memory(
    copies: list[Path], words: list[Asked], pictures: list[Asked], given: argparse.Namespace
) -> None:
    """What the server holds in memory in the first and in the last tenth of a long load."""
    samples: list[int] = []
    with serve(copies[0], FIRST_PORT + 3) as server:
        step = max(1, given.long // 200)

        def watch(count: int, server: Served = server) -> None:
            if count % step == 0:
                samples.append(server.read_memory_bytes())

        outcome = run_load(
            server.port,
            mix(words, pictures, count=given.long, seed=7),
            clients=given.clients,
            watch=watch,
        )
    tenth = len(samples) // 10
    marks = {
        name: median(part) / 1e6
        for name, part in (
            ("first", samples[:tenth]),
            ("second", samples[tenth : 2 * tenth]),
            ("middle", samples[4 * tenth : 6 * tenth]),
            ("last", samples[-tenth:]),
        )
    }
    print(f"\n{outcome.answered:,} answers, {dict(outcome.statuses)}, {_to_ms(outcome)} ms")
    print("MB by tenth: " + ", ".join(f"{name} {size:.0f}" for name, size in marks.items()))


def measure_page(
    copies: list[Path],
    words: list[Asked],  # noqa: ARG001 - as the other parts
    pictures: list[Asked],  # noqa: ARG001 - likewise
    given: argparse.Namespace,
) -> None:
    """How long the page's templates take once there is an answer."""
    with serve(copies[0], FIRST_PORT + 4, times_pages=True) as server:
        seconds, sizes = read_pages(server.port, given.rounds)
    marks = ", ".join(f"{1000 * one:.1f}" for one in np.percentile(seconds, (50, 95, 99)))
    print(f"\n{len(seconds)} pages: templates {marks} ms (p50, p95, p99)")
    print(f"HTML, packed: {median(sizes) / 1000:.1f} kB, at most {max(sizes) / 1000:.1f} kB")


def _print_ways(what: str, found: dict[str, Outcome], spent: dict[str, float]) -> None:
    for name, outcome in found.items():
        each = 1000 * spent[name] / outcome.answered
        print(
            f"{name} | {what} | {dict(outcome.statuses)} | {outcome.per_second:.1f} | "
            f"{_to_ms(outcome)} | {each:.1f}"
        )
    ratio = found["on"].per_second / found["off"].per_second
    saved = (spent["off"] / found["off"].answered) / (spent["on"] / found["on"].answered)
    print(f"on / off, {what}: {ratio:.2f} times as many a second, {1 / saved:.2f} of the processor")


def _to_ms(outcome: Outcome, kind: str | None = None) -> str:
    return ", ".join(f"{1000 * one:,.0f}" for one in outcome.to_percentiles(kind))


if __name__ == "__main__":
    main()
