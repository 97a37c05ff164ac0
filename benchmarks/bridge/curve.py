"""Recall against the number of pairs, on books that training did not see.

``python -m benchmarks.bridge.curve --data FOLDER`` holds out one textbook after the other, trains
bridges on 30 to 3,000 pairs of the others (a pair is a figure and one of its texts), and asks the
held-out book's figures by their texts and the other way round. ConSE, which needs no pair, is where
the curve begins. Intervals are bootstrapped over the questions of all books. The corpus is that of
``docs/models``; ``--plot FILE`` draws the curves.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from benchmarks.bridge.curve_plot import draw
from benchmarks.bridge.figures import KINDS, read_corpus
from benchmarks.bridge.measures import Interval, to_hits, to_interval, to_ratio
from ingest.encoders.bridge.recipe import Recipe
from ingest.encoders.bridge.side import Base, Side
from ingest.encoders.bridge.suggested import suggest_recipe
from ingest.encoders.bridge.training import train
from ingest.encoders.hinge.corpus import RECIPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.bridge.figures import Corpus

    Hits = NDArray[np.float64]

COUNTS = (30, 100, 300, 1000, 3000)
VALIDATION_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A book that is asked about, and what may be trained on."""

    book: str
    gallery: list[int]
    rest: list[int]


def main() -> None:
    """Train, ask, print, draw."""
    chosen = _parse()
    corpus = read_corpus(chosen.data, chosen.cache)
    books = sorted({figure.collection for figure in corpus.figures} - {RECIPES})
    splits = [_hold_out(corpus, book) for book in chosen.books or books]
    conse = Side(Base.CONSE, conse=corpus.to_conse(Recipe().softness))
    hits: dict[int, list[Hits]] = {0: [_ask(corpus, split, conse) for split in splits]}
    runs = [(count, split) for count in chosen.counts for split in splits]
    for count, split in tqdm(runs, unit="book"):
        seeds = [_run(corpus, split, count, seed) for seed in range(chosen.seeds)]
        hits.setdefault(count, []).append(np.mean(seeds, axis=0))
    rows = [_to_row(count, splits, found, hits[0]) for count, found in hits.items()]
    _print(rows)
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    if chosen.plot:
        draw(rows, chosen.plot)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--cache", type=Path, default=Path("build/bridge-curve.npz"))
    parser.add_argument("--books", nargs="*", help="held out one by one; all of them by default")
    parser.add_argument("--counts", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--seeds", type=int, default=3, help="samples of pairs a count")
    parser.add_argument("--out", type=Path, help="figures as JSON")
    parser.add_argument("--plot", type=Path, help="picture, .svg or .png")
    return parser.parse_args()


def _hold_out(corpus: Corpus, book: str) -> HeldOut:
    """A book against everything else that its own pictures and the held-out recipes are not in."""
    gallery = [row for row, figure in enumerate(corpus.figures) if figure.collection == book]
    rest = [
        row
        for row, figure in enumerate(corpus.figures)
        if figure.collection != book and not (figure.collection == RECIPES and figure.held_out)
    ]
    return HeldOut(book, gallery, rest)


def _run(corpus: Corpus, split: HeldOut, count: int, seed: int) -> Hits:
    """Hits of a bridge trained on a sample of pairs; a tenth of their figures stops it early."""
    random = np.random.default_rng(seed)
    pairs = random.permutation(corpus.to_pairs(split.rest))[:count]
    figures = random.permutation(np.unique(pairs[:, 0]))
    held = np.isin(pairs[:, 0], figures[: round(VALIDATION_SHARE * len(figures))])
    examples, validation = corpus.to_examples(pairs[~held]), corpus.to_examples(pairs[held])
    recipe = suggest_recipe(len(pairs) - int(held.sum()), Base.CONSE, {"seed": seed})
    trained = train(examples, validation, recipe, conse=corpus.to_conse(recipe.softness))
    return _ask(corpus, split, trained.images)


def _ask(corpus: Corpus, split: HeldOut, images: Side) -> Hits:
    """Whether each question finds its answer among the first ten.

    Returns:
        ``(kinds * 2, n)`` of 0 and 1: by each kind of text, text to image and image to text; NaN
        where a figure has no such text.
    """
    vectors = images.apply(corpus.images.take(split.gallery))
    rows = []
    for kind in KINDS:
        texts = [str(getattr(corpus.figures[row], kind)) for row in split.gallery]
        kept = [place for place, text in enumerate(texts) if text]
        asked = corpus.texts.features[[corpus.places[texts[place]] for place in kept]]
        for scores in (asked @ vectors[kept].T, vectors[kept] @ asked.T):
            line = np.full(len(split.gallery), np.nan)
            line[kept] = to_hits(scores)
            rows.append(line)
    return np.stack(rows)


def _to_row(
    count: int, splits: Sequence[HeldOut], found: Sequence[Hits], without: Sequence[Hits]
) -> dict[str, Any]:
    """Recall@10 with its interval, and how many times ConSE's; over all books and by book."""

    def describe(here: Hits, there: Hits) -> dict[str, Any]:
        directions = {"text to image": here[0::2], "image to text": here[1::2]}
        return {
            "recall": to_interval(here).to_json(),
            "ratio": to_ratio(here, there).to_json(),
            **{name: to_interval(rows).to_json() for name, rows in directions.items()},
            **{kind: float(np.nanmean(here[2 * i : 2 * i + 2])) for i, kind in enumerate(KINDS)},
        }

    books = {
        split.book: describe(here, there)
        for split, here, there in zip(splits, found, without, strict=True)
    }
    together = describe(np.concatenate(found, axis=1), np.concatenate(without, axis=1))
    return {"pairs": count, "all": together, "books": books}


def _print(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        print(f"\n{row['pairs']} pairs")
        for name, one in {"all": row["all"], **row["books"]}.items():
            recall, ratio = Interval(**one["recall"]), Interval(**one["ratio"])
            kinds = "  ".join(f"{kind} {100 * one[kind]:.1f}" for kind in KINDS)
            directions = [100 * one[key]["value"] for key in ("text to image", "image to text")]
            print(
                f"  {name:<20} recall@10 {recall.percent()}  x ConSE {ratio.times()}  "
                f"t2i {directions[0]:.1f}  i2t {directions[1]:.1f}  {kinds}"
            )


if __name__ == "__main__":
    main()
