"""What words add to meaning: recall of dense and of hybrid search, side by side.

Run ``python -m benchmarks.hybrid --data FOLDER`` with the corpus that ``hinge-en-1`` was trained on
(``docs/models/hinge-en-1.md``). Three tasks, each with one right answer a query, in one embedded
index:

- *names*: a name or a number that stands in one caption of all -> that caption;
- *descriptions*: what can be seen in a figure -> its caption, as the dense model is good at;
- *photographs*: what can be seen in a figure -> the figure, which the encoder never saw. Every
  other one has its caption as words, the rest have none: what a fusion gives to the one half it
  must not take from the other.

Beside our fusion stand reciprocal rank fusion (k = 60), in which what has no words gets nothing for
them, and words alone. The ratio of the cost of making words to that of encoding comes last.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from ingest.encoders.hinge.corpus import read_figures
from ingest.encoders.hinge.encoder import HingeEncoder
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from schemas.collection import modality_filter, to_point
from schemas.records import Chunk, Modality, Record
from schemas.space import Role
from schemas.words import iter_terms, to_document_weights
from search.fusion import WORDS_WEIGHT
from search.hybrid import hybrid_search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingest.encoders.hinge.corpus import Figure
    from ingest.store.engine import Engine
    from schemas.space import Vectors
    from search.hybrid import HybridPoint

CUT = 10
DEPTH = 100
QUERIES = 400
RRF_CONSTANT = 60
WEIGHTS = (0.0, 0.5, 1.0, WORDS_WEIGHT, 1.5)
ALL_WORDS = 1e6

_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]+ [A-Z][a-z]+|\d[\d,.]*\d\d)")


@dataclass(frozen=True, slots=True)
class Task:
    """Queries of one kind.

    Attributes:
        name: For the table.
        modality: Of what is searched.
        queries: Text and the location of the right answer.
    """

    name: str
    modality: Modality
    queries: Sequence[tuple[str, str]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    chosen = parser.parse_args()
    figures = [one for one in read_figures(chosen.data) if one.caption and one.description]
    unseen = [one for one in figures if one.held_out]
    encoder = HingeEncoder()
    texts = [to_text(figure) for figure in figures]
    photographs = [to_photograph(figure, number) for number, figure in enumerate(unseen)]
    with TemporaryDirectory() as folder, connect(folder + "/index") as engine:
        name = ensure_collection(engine, "hybrid", encoder.space, {}).name
        print_cost(texts, lambda: write_texts(engine, name, encoder, texts))
        write(engine, name, encoder, photographs, encode_photographs(encoder, unseen))
        print_recall(engine, name, encoder, to_tasks(figures, unseen))


def to_tasks(figures: Sequence[Figure], unseen: Sequence[Figure]) -> list[Task]:
    """The queries, the same in every run."""
    drawn = random.Random(0)  # noqa: S311 - a sample
    names = to_names(figures)
    described = [(one.description, f"/text/{one.path.name}") for one in figures]
    seen = [(one.description, f"/image/{one.path.name}") for one in unseen]
    return [
        Task("names", Modality.TEXT, drawn.sample(names, min(QUERIES, len(names)))),
        Task("descriptions", Modality.TEXT, drawn.sample(described, QUERIES)),
        Task("photographs with words", Modality.IMAGE, seen[0::2][:QUERIES]),
        Task("photographs without", Modality.IMAGE, seen[1::2][:QUERIES]),
    ]


def to_names(figures: Sequence[Figure]) -> list[tuple[str, str]]:
    """Names and numbers that stand in one caption alone, the first of each."""
    owners: dict[tuple[str, ...], set[str]] = {}
    for figure in figures:
        terms = list(iter_terms(figure.caption))
        for size in (1, 2, 3):
            for start in range(len(terms)):
                owners.setdefault(tuple(terms[start : start + size]), set()).add(figure.path.name)
    found = []
    for figure in figures:
        for name in _NAME.findall(figure.caption):
            if len(owners.get(tuple(iter_terms(name)), ())) == 1:
                found.append((name, f"/text/{figure.path.name}"))
                break
    return found


def to_text(figure: Figure) -> Chunk:
    """A caption as a document."""
    return Chunk(to_record(figure, Modality.TEXT), 0, 1, "blake3:00", text=figure.caption)


def to_photograph(figure: Figure, number: int) -> Chunk:
    """A figure; every other one has its caption."""
    caption = None if number % 2 else figure.caption
    return Chunk(to_record(figure, Modality.IMAGE), 0, 1, "blake3:00", caption=caption)


def to_record(figure: Figure, modality: Modality) -> Record:
    """A made-up item."""
    path = f"/{modality}/{figure.path.name}"
    return Record(f"folder://figures{path}", "figures", path, "text/plain", modality)


def encode_photographs(encoder: HingeEncoder, figures: Sequence[Figure]) -> list[Vectors]:
    """One row each."""
    rows = []
    for figure in figures:
        with Image.open(figure.path) as image:
            rows.append(encoder.encode_images([image.convert("RGB")])[0])
    return rows


def write_texts(engine: Engine, name: str, encoder: HingeEncoder, chunks: Sequence[Chunk]) -> float:
    """Encode and write; gives the seconds of encoding."""
    begun = time.perf_counter()
    vectors = encoder.encode_texts([chunk.text for chunk in chunks], Role.DOCUMENT)
    seconds = time.perf_counter() - begun
    write(engine, name, encoder, chunks, list(vectors))
    return seconds


def write(
    engine: Engine,
    name: str,
    encoder: HingeEncoder,
    chunks: Sequence[Chunk],
    vectors: Sequence[Vectors],
) -> None:
    """Into the index."""
    fingerprint = encoder.space.fingerprint
    pairs = zip(chunks, vectors, strict=True)
    points = [to_point(chunk, vector, fingerprint) for chunk, vector in pairs]
    for start in range(0, len(points), DEPTH):
        engine.upsert(name, points[start : start + DEPTH])


def print_recall(engine: Engine, name: str, encoder: HingeEncoder, tasks: Sequence[Task]) -> None:
    """A row for every task, a column for every fusion."""
    columns = [*(f"w={weight:g}" for weight in WEIGHTS), "rrf", "words"]
    print(f"\nrecall@1 / recall@{CUT}, %; w=0 is dense search")
    print(f"{'task':<24}{'queries':>8}" + "".join(f"{column:>13}" for column in columns))
    for task in tasks:
        vectors = encoder.encode_texts([text for text, _ in task.queries], Role.QUERY)
        ranks: dict[str, list[int]] = {column: [] for column in columns}
        for (text, right), vector in zip(task.queries, vectors, strict=True):
            for column, order in zip(
                columns, to_orders(engine, name, vector.tolist(), text, task), strict=True
            ):
                ranks[column].append(order.index(right) if right in order else DEPTH)
        cells = "".join(f"{to_cell(found):>13}" for found in ranks.values())
        print(f"{task.name:<24}{len(task.queries):>8}{cells}", flush=True)


def to_cell(ranks: Sequence[int]) -> str:
    """Both recalls."""
    first, ten = (100 * sum(rank < cut for rank in ranks) / len(ranks) for cut in (1, CUT))
    return f"{first:.1f} / {ten:.1f}"


def to_orders(
    engine: Engine, name: str, vector: list[float], text: str, task: Task
) -> Iterable[list[str]]:
    """Locations by every fusion."""
    answers = {
        weight: hybrid_search(
            engine,
            name,
            vector,
            text,
            query_filter=modality_filter(task.modality),
            limit=2 * DEPTH,
            weight=weight,
        )
        for weight in (*WEIGHTS, ALL_WORDS)
    }
    orders = [to_locations(answers[weight]) for weight in WEIGHTS]
    dense = orders[0]
    matching = [one for one in answers[ALL_WORDS] if one.words]
    words = to_locations(sorted(matching, key=lambda one: -(one.words or 0)))
    return [*orders, fuse_ranks(dense, words), words]


def fuse_ranks(*orders: Sequence[str]) -> list[str]:
    """Reciprocal rank fusion."""
    scores: dict[str, float] = {}
    for order in orders:
        for rank, location in enumerate(order[:DEPTH], start=1):
            scores[location] = scores.get(location, 0.0) + 1 / (RRF_CONSTANT + rank)
    return sorted(scores, key=lambda location: -scores[location])


def to_locations(found: Sequence[HybridPoint]) -> list[str]:
    """In order."""
    return [(one.point.payload or {})["location"] for one in found]


def print_cost(chunks: Sequence[Chunk], encode: Callable[[], float]) -> None:
    """The seconds of making words over those of encoding, in the same process."""
    encoding = encode()
    begun = time.perf_counter()
    for chunk in chunks:
        to_document_weights([chunk.text])
    words = time.perf_counter() - begun
    spent = f"words {words:.2f} s, encoding {encoding:.2f} s, {words / encoding:.1%}"
    print(f"{len(chunks)} texts: {spent}")


if __name__ == "__main__":
    main()
