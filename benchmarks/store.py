"""Writing and filtered search: the embedded index, Qdrant's local mode and exact numpy.

    python benchmarks/store.py --points 20000 --dimension 384

One run on one machine. Half of the points pass the filter ("modality = image"). Images and texts
share topics and lie on either side of a gap, as the vectors of CLIP-like models do; the queries are
new texts. Recall@10 is against exact cosines. Local mode is the client's pure-Python engine, here
in memory (on disk it is slower still); it is slow enough that it is asked fewer queries.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qdrant_client import models

from ingest.store.connect import connect
from ingest.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ingest.store.engine import Engine

NAME = "bench"
TOP_K = 10
IMAGES = models.Filter(
    must=[models.FieldCondition(key="modality", match=models.MatchValue(value="image"))]
)

INDEX_SOON = models.OptimizersConfigDiff(indexing_threshold=1_000)
"""By default an embedded index is scanned up to 64 MB of vectors; here it is to be seen at work."""


@dataclass(frozen=True)
class Corpus:
    """Unit vectors; the odd rows are images.

    Attributes:
        rows: ``(n, dimension)`` float32.
        queries: ``(q, dimension)`` float32.
    """

    rows: NDArray[np.float32]
    queries: NDArray[np.float32]

    @property
    def image_ids(self) -> NDArray[np.int64]:
        """Row numbers of the images."""
        return np.arange(1, len(self.rows), 2)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    system: str
    points_per_second: float | None
    milliseconds: float
    recall: float


def to_corpus(points: int, dimension: int, queries: int) -> Corpus:
    """300 topics that both modalities speak of, each with a direction of its own added."""
    generator = np.random.default_rng(0)
    topics = generator.normal(size=(300, dimension))
    gaps = generator.normal(size=(2, dimension))

    def draw(sides: NDArray[np.int64]) -> NDArray[np.float32]:
        about = topics[generator.integers(0, len(topics), len(sides))]
        noise = generator.normal(size=(len(sides), dimension))
        return _to_unit(0.7 * about + gaps[sides] + 0.8 * noise)

    return Corpus(draw(np.arange(points) % 2), draw(np.zeros(queries, dtype=np.int64)))


def _to_unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def iter_points(corpus: Corpus) -> Iterator[models.PointStruct]:
    """The corpus as points with a payload of the usual size."""
    for number, row in enumerate(corpus.rows):
        yield models.PointStruct(
            id=number,
            vector=row.tolist(),
            payload={
                "modality": "image" if number % 2 else "text",
                "source_uri": f"folder://bench/{number // 4}",
                "text": "a few words " * 20,
            },
        )


def measure_numpy(corpus: Corpus) -> tuple[Row, list[set[int]]]:
    """Exact search over the images' rows, and its answers."""
    images = corpus.rows[corpus.image_ids]
    answers: list[set[int]] = []
    times = []
    for query in corpus.queries:
        started = time.perf_counter()
        scores = images @ query
        best = np.argpartition(-scores, TOP_K)[:TOP_K]
        times.append(time.perf_counter() - started)
        answers.append(set(corpus.image_ids[best].tolist()))
    return Row("exact numpy", None, 1_000 * statistics.median(times), 1.0), answers


def measure(
    system: str, engine: Engine, corpus: Corpus, truth: list[set[int]], queries: int
) -> Iterator[Row]:
    """Write everything, search; then once more with an index, where there is one to build."""
    params = models.VectorParams(size=corpus.rows.shape[1], distance=models.Distance.COSINE)
    engine.create_collection(NAME, params, optimizers_config=INDEX_SOON)
    for field in ("modality", "source_uri"):
        engine.create_payload_index(NAME, field, models.PayloadSchemaType.KEYWORD)
    points = list(iter_points(corpus))
    started = time.perf_counter()
    Writer(engine, NAME).upsert(points)
    engine.flush()
    rate = len(points) / (time.perf_counter() - started)
    asked = corpus.queries[:queries]

    def search(query: NDArray[np.float32]) -> set[int]:
        found = engine.query_points(NAME, query.tolist(), query_filter=IMAGES, limit=TOP_K)
        return {int(point.id) for point in found.points}

    yield to_row(system, rate, search, asked, truth)
    started = time.perf_counter()
    if engine.optimize(NAME):
        seconds = time.perf_counter() - started
        yield to_row(f"{system}, index built in {seconds:.1f} s", None, search, asked, truth)


def to_row(
    system: str,
    rate: float | None,
    search: Callable[[NDArray[np.float32]], set[int]],
    queries: NDArray[np.float32],
    truth: list[set[int]],
) -> Row:
    """Median time and mean recall of a search, after one to warm up."""
    search(queries[0])
    times, hits = [], 0
    for query, expected in zip(queries, truth, strict=False):
        started = time.perf_counter()
        found = search(query)
        times.append(time.perf_counter() - started)
        hits += len(found & expected)
    return Row(system, rate, 1_000 * statistics.median(times), hits / (TOP_K * len(queries)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    warnings.filterwarnings("ignore", message="Local mode is not recommended")
    corpus = to_corpus(given.points, given.dimension, given.queries)
    first, truth = measure_numpy(corpus)
    rows = [first]
    with tempfile.TemporaryDirectory() as folder:
        with connect(str(Path(folder, "index"))) as engine:
            rows += measure("embedded", engine, corpus, truth, given.queries)
        with connect(":memory:") as engine:
            rows += measure("local mode", engine, corpus, truth, min(20, given.queries))
    print(f"{given.points} points of {given.dimension} dimensions, half of them pass the filter")
    print(f"{'':36} {'points/s':>9} {'p50 ms':>8} {'recall@10':>10}")
    for row in rows:
        written = "" if row.points_per_second is None else f"{row.points_per_second:.0f}"
        print(f"{row.system:36} {written:>9} {row.milliseconds:>8.2f} {row.recall:>10.3f}")


if __name__ == "__main__":
    main()
