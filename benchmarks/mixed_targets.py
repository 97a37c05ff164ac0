"""Images and texts in one answer: how often the right one of each is among the first ten.

Run ``python -m benchmarks.mixed_targets --data FOLDER`` with the corpus that ``hinge-en-1`` was
trained on (``docs/models/hinge-en-1.md``). Figures that it never saw are ingested with their
captions into one embedded index; their descriptions are the queries, and then the figures
themselves. Right are the figure and its caption (a figure finds itself anyway). Beside the answer
to target ``any`` stand the answers to one target, and what merging by raw cosine or in turns would
give of the same hits.
"""

from __future__ import annotations

import argparse
import json
from itertools import chain, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ingest.encoders.hinge.corpus import read_figures
from ingest.job import IngestJob
from ingest.sources.manifest import ManifestSource
from schemas.records import Modality
from schemas.settings import load_settings
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.encoders.hinge.corpus import Figure
    from schemas.query import Hit
    from search.composition import QueryLike

CUT = 10

Right = tuple[bool, bool]
"""Whether the right image, and the right text, is among the first ten."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    chosen = parser.parse_args()
    figures = [
        one for one in read_figures(chosen.data) if one.held_out and one.description and one.caption
    ]
    with TemporaryDirectory() as folder:
        table = Path(folder) / "figures.jsonl"
        write_table(figures, chosen.data, table)
        settings = load_settings(url=str(Path(folder) / "index"))
        IngestJob(
            ManifestSource.open(str(table), base=str(chosen.data)), settings, show_progress=False
        ).run()
        with Searcher.open(settings=settings) as searcher:
            print(f"{len(figures)} figures and their captions in one index")
            print_table(searcher, "descriptions", [one.description for one in figures])
            print_table(searcher, "figures", [one.path for one in figures])


def write_table(figures: Sequence[Figure], data: Path, path: Path) -> None:
    """One row a figure, in order."""
    rows = [
        {"id": str(number), "path": str(figure.path.relative_to(data)), "caption": figure.caption}
        for number, figure in enumerate(figures)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def print_table(searcher: Searcher, name: str, queries: Sequence[QueryLike]) -> None:
    """One row a way of merging."""
    images, texts, mixed = (
        [page.hits for page in searcher.search_batch(queries, target=target, top_k=CUT)]
        for target in ("image", "text", "any")
    )
    pairs = list(zip(images, texts, strict=True))
    first = "one target at a time"
    rows: dict[str, Sequence[Sequence[Hit]]] = {
        first: (),
        "any, by raw cosine": [
            sorted([*one, *other], key=lambda hit: -hit.score) for one, other in pairs
        ],
        "any, in turns": [
            [hit for hit in chain.from_iterable(zip_longest(*pair)) if hit] for pair in pairs
        ],
        "any, by calibrated score (ours)": mixed,
    }
    head = f"queries: {name}"
    print(f"\n{head:<34}{'right image in first 10':>24}{'right text':>14}{'of single':>12}")
    alone = [
        (is_right(one, number, Modality.IMAGE), is_right(other, number, Modality.TEXT))
        for number, (one, other) in enumerate(pairs)
    ]
    most = share(alone, 1)
    for way, answers in rows.items():
        right = alone if way == first else [to_right(a, n) for n, a in enumerate(answers)]
        text = share(right, 1)
        print(f"{way:<34}{share(right, 0):>24.1%}{text:>14.1%}{text / most:>12.1%}")


def to_right(hits: Sequence[Hit], number: int) -> Right:
    """What is right among the first ten."""
    first = hits[:CUT]
    return is_right(first, number, Modality.IMAGE), is_right(first, number, Modality.TEXT)


def is_right(hits: Sequence[Hit], number: int, modality: Modality) -> bool:
    """Whether a figure, or its caption, is among hits."""
    ending = f"/{number}"
    return any(hit.modality is modality and hit.source_uri.endswith(ending) for hit in hits)


def share(right: Sequence[Right], which: int) -> float:
    """Of all queries."""
    return sum(pair[which] for pair in right) / len(right)


if __name__ == "__main__":
    main()
