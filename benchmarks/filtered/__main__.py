"""Filtered search: an embedded index, its bare engine, exact numpy and other engines.

    python -m benchmarks.filtered --points 100000
    python -m benchmarks.filtered --points 1000000 --only "diptych,its engine"

One run on one machine. The systems take turns, each with so many queries in a row that it finds its
own data in the processor's caches and not what the one before has left there. Two filters: half of
the points pass ("modality = image"), or a hundredth ("and part = figure"). Images and texts share
topics and lie on either side of a gap, as in CLIP-like spaces; queries are new texts. Diptych is
timed from the query text to the hits, with an encoder that costs nothing. Peers (``pip install
lancedb faiss-cpu usearch``) are built with m = 16 and searched at the same effort where they have
one. ``--efforts`` asks the bare engine alone, at several efforts and with harder queries too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.filtered.corpus import TOP_K, to_corpus
from benchmarks.filtered.efforts import print_efforts
from benchmarks.filtered.systems import SHARES, BareEngine, Diptych, LocalMode, Numpy, to_peers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.filtered.corpus import Corpus
    from benchmarks.filtered.systems import System

IN_A_ROW = 50
"""Queries that a system is asked before it is the next one's turn. All of them are asked once
before any is timed."""

PAUSE_SECONDS = 0.1
"""Between turns: threads of numpy's linear algebra keep a core busy for a while after they are
done."""

LOCAL_QUERIES = 10
"""Local mode takes about a second for each."""

MOST_LOCAL_POINTS = 200_000


def main() -> None:
    """Print a table for each filter."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", default="", help="beginnings of names, divided by commas")
    parser.add_argument(
        "--index", type=Path, help="folder to keep Diptych's index in for next time"
    )
    parser.add_argument("--efforts", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", message="Local mode is not recommended")
    corpus = to_corpus(given.points, given.dimension, given.queries)
    with tempfile.TemporaryDirectory() as folder:
        if given.efforts:
            print_efforts(BareEngine(Diptych(corpus, given.index or Path(folder)), corpus), corpus)
            return
        systems = build(corpus, Path(folder), given.index, given.only.split(","))
        for share in SHARES:
            passing = corpus.mask(share).mean()
            print(f"\n{given.points:,} points of {given.dimension} dimensions, {passing:.0%} pass")
            print_table(measure(systems, corpus, share))


def build(corpus: Corpus, folder: Path, index: Path | None, only: Sequence[str]) -> list[System]:
    """Every system that is asked for."""
    begun = time.perf_counter()
    diptych = Diptych(corpus, index or folder)
    print(f"diptych: written and indexed, or opened, in {time.perf_counter() - begun:.0f} s")
    systems: list[System] = [diptych, BareEngine(diptych, corpus), Numpy(corpus)]
    peers = to_peers(corpus, folder)
    if len(corpus.rows) <= MOST_LOCAL_POINTS:
        peers[LocalMode.name] = lambda: LocalMode(corpus)
    for name, make in peers.items():
        if not any(name.startswith(one) for one in only):
            continue
        begun = time.perf_counter()
        systems.append(make())
        print(f"{name}: built in {time.perf_counter() - begun:.0f} s")
    return systems


def measure(
    systems: Sequence[System], corpus: Corpus, share: str
) -> dict[str, tuple[float, float]]:
    """Median milliseconds and recall@10 of each system."""
    truth = corpus.exact(share)
    times: dict[str, list[float]] = {system.name: [] for system in systems}
    hits = dict.fromkeys(times, 0)
    for number, system in iter_turns(systems, len(truth)):
        system.search(number, share)  # files are mapped page by page, at first use
    for number, system in iter_turns(systems, len(truth)):
        begun = time.perf_counter()
        found = system.search(number, share)
        times[system.name].append(time.perf_counter() - begun)
        hits[system.name] += len(found & truth[number])
    return {
        name: (1000 * statistics.median(taken), hits[name] / (TOP_K * len(taken)))
        for name, taken in times.items()
    }


def iter_turns(systems: Sequence[System], queries: int) -> Iterator[tuple[int, System]]:
    """Which query is put to which system, in order."""
    for start in range(0, queries, IN_A_ROW):
        for system in systems:
            time.sleep(PAUSE_SECONDS)
            most = LOCAL_QUERIES if isinstance(system, LocalMode) else queries
            for number in range(start, min(start + IN_A_ROW, most)):
                yield number, system


def print_table(rows: dict[str, tuple[float, float]]) -> None:
    """One line a system, with its time as a multiple of ours."""
    ours, _ = rows[Diptych.name]
    print(f"{'':30}{'p50 ms':>9}{'of ours':>9}{'recall@10':>11}")
    for name, (milliseconds, recall) in rows.items():
        print(f"{name:30}{milliseconds:>9.2f}{milliseconds / ours:>8.1f}x{recall:>11.3f}")


if __name__ == "__main__":
    main()
