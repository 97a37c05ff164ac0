"""Relevance feedback: does one round of thumbs bring more of the right images?

Run ``python -m benchmarks.feedback --data FOLDER`` with the corpus that ``hinge-en-1`` was trained
on (``docs/models/hinge-en-1.md``). All its images are in one index; the queries are descriptions of
those that the model never saw. Right are the images of the same collection (the book, the recipes),
and in a second table those of the same section of the book, or of the recipe's first tag. The first
ten hits are judged, liked if they are right. Then the next ten of the first query are compared with
the first ten of the refined one; from both, what was judged is left out.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from math import log2
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.mixed_targets import write_table
from ingest.encoders.hinge.corpus import read_figures
from ingest.job import IngestJob
from ingest.sources.manifest import ManifestSource
from schemas.settings import load_settings
from search.feedback import Rocchio, refine
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search.composition import QueryLike

CUT = 10
WEIGHTS = (Rocchio(), Rocchio(gamma=0), Rocchio(beta=0), Rocchio(beta=0.25), Rocchio(beta=2))


@dataclass(frozen=True, slots=True)
class Judged:
    """A query whose first ten hits were judged: some liked, and more to be found.

    Attributes:
        text: The query.
        liked: Source URIs of right hits.
        disliked: Those of wrong ones.
        right: What is right and was not among them.
    """

    text: str
    liked: tuple[str, ...]
    disliked: tuple[str, ...]
    right: frozenset[str]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    data: Path = parser.parse_args().data
    figures = read_figures(data)
    texts = {n: one.description for n, one in enumerate(figures) if one.held_out}
    with TemporaryDirectory() as folder:
        table = Path(folder) / "figures.jsonl"
        write_table(figures, data, table)
        settings = load_settings(url=str(Path(folder) / "index"))
        IngestJob(
            ManifestSource.open(str(table), base=str(data)), settings, show_progress=False
        ).run()
        with Searcher.open(settings=settings) as searcher:
            first = {n: search(searcher, text, ()) for n, text in texts.items() if text}
            print_table(searcher, first, texts, [one.collection for one in figures])
            print_table(searcher, first, texts, read_sections(data))


def read_sections(data: Path) -> list[str]:
    """The section of each line of the corpus, or the recipe's first tag."""
    with (data / "captions.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        f"{row['set']}/{row['section'] if 'section' in row else row['tags'][0]}" for row in rows
    ]


def search(searcher: Searcher, query: QueryLike, judged: Sequence[str]) -> list[str]:
    """Source URIs of the ten nearest images that were not judged."""
    page = searcher.search(query, target="image", top_k=CUT + len(judged))
    return [hit.source_uri for hit in page.hits if hit.source_uri not in judged][:CUT]


def print_table(
    searcher: Searcher,
    first: dict[int, list[str]],
    texts: dict[int, str],
    groups: Sequence[str],
) -> None:
    """A row a choice of weights, means over the queries."""
    rounds = [one for n, hits in first.items() if (one := judge(texts[n], hits, n, groups))]
    print(f"\n{len(rounds)} queries, {sum(len(one.liked) for one in rounds)} hits liked")
    print(f"{'':<38}{'nDCG@10':>9}{'precision@10':>14}")
    for weights in (None, *WEIGHTS):
        answers = [again(searcher, one, weights) for one in rounds]
        pairs = list(zip(answers, rounds, strict=True))
        gain = sum(to_ndcg(answer, one.right) for answer, one in pairs) / len(pairs)
        share = sum(len(one.right.intersection(answer)) for answer, one in pairs)
        print(f"{to_name(weights):<38}{gain:>9.1%}{share / CUT / len(pairs):>14.1%}")


def judge(text: str, hits: Sequence[str], number: int, groups: Sequence[str]) -> Judged | None:
    """The first round; None where nothing is liked, or nothing right is left."""
    prefix = hits[0].rpartition("/")[0]
    right = {f"{prefix}/{n}" for n, group in enumerate(groups) if group == groups[number]}
    liked = tuple(uri for uri in hits if uri in right)
    disliked = tuple(uri for uri in hits if uri not in right)
    left = frozenset(right.difference(liked))
    return Judged(text, liked, disliked, left) if liked and left else None


def again(searcher: Searcher, one: Judged, weights: Rocchio | None) -> list[str]:
    """The second round."""
    query = refine(one.text, one.liked, one.disliked, weights=weights) if weights else one.text
    return search(searcher, query, [*one.liked, *one.disliked])


def to_name(weights: Rocchio | None) -> str:
    """Of a row."""
    if weights is None:
        return "no feedback"
    return f"alpha {weights.alpha:g}, beta {weights.beta:g}, gamma {weights.gamma:g}"


def to_ndcg(answer: Sequence[str], right: frozenset[str]) -> float:
    """The normalised discounted cumulative gain of the first ten, right ones counting 1."""
    gain = sum(1 / log2(rank + 1) for rank, uri in enumerate(answer, 1) if uri in right)
    best = sum(1 / log2(rank + 1) for rank in range(1, min(CUT, len(right)) + 1))
    return gain / best


if __name__ == "__main__":
    main()
