"""What more effort of an approximate search gives, and costs, by how hard the queries are."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.filtered.corpus import TOP_K

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.filtered.corpus import Corpus
    from benchmarks.filtered.systems import BareEngine

    Floats = NDArray[np.float32]

EFFORTS = (64, 96, 128, 160, 192, 256, 288, 320)
SHARE = "image"
"""The filter that half of the points pass; what passes a tight one is scanned at any effort."""


def print_efforts(engine: BareEngine, corpus: Corpus) -> None:
    """Recall@10 and median milliseconds, a line for each kind of query."""
    chosen = np.flatnonzero(corpus.mask(SHARE))
    rows = corpus.rows[chosen]
    print(f"{'':20}" + "".join(f"{effort:>16}" for effort in EFFORTS))
    for kind, queries in to_kinds(corpus).items():
        truth = [
            set(chosen[np.argpartition(-(rows @ query), TOP_K)[:TOP_K]].tolist())
            for query in queries
        ]
        asked = [measure(engine, queries, truth, effort) for effort in EFFORTS]
        said = (f"{recall:>8.3f} {1000 * seconds:>4.1f} ms" for recall, seconds in asked)
        print(f"{kind:20}" + "".join(said))


def to_kinds(corpus: Corpus) -> dict[str, Floats]:
    """Queries of one topic, of two, with as much noise as topic, and of nothing at all."""
    noise = np.random.default_rng(7).normal(size=corpus.queries.shape)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    return {
        "one topic": corpus.queries,
        "two topics": _to_unit(corpus.queries + np.roll(corpus.queries, 1, axis=0)),
        "half noise": _to_unit(corpus.queries + noise),
        "noise": _to_unit(noise),
    }


def measure(
    engine: BareEngine, queries: Floats, truth: list[set[int]], effort: int
) -> tuple[float, float]:
    """Recall@10 and median seconds."""
    hits, taken = 0, []
    for query, expected in zip(queries.tolist(), truth, strict=True):
        begun = time.perf_counter()
        found = engine.ask(query, SHARE, effort)
        taken.append(time.perf_counter() - begun)
        hits += len(found & expected)
    return hits / (TOP_K * len(taken)), statistics.median(taken)


def _to_unit(rows: NDArray[np.floating]) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
