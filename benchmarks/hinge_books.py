"""What the hinge's experts cost and bring in books that nothing was trained on.

Run ``python -m benchmarks.hinge_books --data FOLDER --drawings FOLDER``: what the hinge was trained
on (``docs/models/hinge-en-2.md``). Each of its books is left out in turn, besides what is held out
anyway: the map of photographs is trained anew on the rest, the experts beside it, and both are
asked for the book. A quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.hinge_dishes import iter_ways, print_head, print_row, to_gallery
from ingest.encoders.hinge.bridge import load_bridge
from ingest.encoders.hinge.contrast import Recipe, train_bridge
from ingest.encoders.hinge.corpus import RECIPES, Figure, read_figures
from ingest.encoders.hinge.learn_dishes import add_dishes, take
from ingest.encoders.hinge.learn_drawings import DRAWINGS_RECIPE, add_drawings
from ingest.encoders.hinge.sources import read_drawings
from ingest.encoders.hinge.towers import Arithmetic, TextTower, Tokens
from ingest.encoders.hinge.train import FIRST, to_examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge
    from ingest.encoders.hinge.contrast import Examples

    Flags = NDArray[np.bool_]

MEMBERS = 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that may be learnt from, described once.

    Attributes:
        figures: Those with texts that are not held out.
        examples: Of the figures.
        drawings: Of the drawings.
        tower: Of the texts.
    """

    figures: list[Figure]
    examples: Examples
    drawings: Examples
    tower: TextTower

    def are_of(self, collection: str) -> Flags:
        """Which figures are of a collection."""
        return np.array([figure.collection == collection for figure in self.figures])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--drawings", type=Path, required=True, help="the unpacked packages")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    corpus = read_corpus(chosen.data, chosen.drawings, chosen.workers)
    print_head()
    for book in sorted({figure.collection for figure in corpus.figures} - {RECIPES}):
        bridges = train_without(corpus, book)
        for kind in ("description", "caption", "joined"):
            asked = to_gallery(
                corpus.figures, corpus.examples, corpus.are_of(book), corpus.tower, kind
            )
            for name, hits in iter_ways(f"{book}, {kind}", bridges, asked):
                print_row(name, hits)


def read_corpus(data: Path, drawings: Path, workers: int) -> Corpus:
    """Read and describe what may be learnt from."""
    figures = [one for one in read_figures(data) if one.training_texts and not one.held_out]
    tower = TextTower(Tokens(), Arithmetic(threads=workers))
    classes = load_bridge(FIRST).classes
    examples, drawn = (
        to_examples(pictures, tower, classes, workers)
        for pictures in (figures, read_drawings(drawings))
    )
    return Corpus(figures, examples, drawn, tower)


def train_without(corpus: Corpus, book: str) -> tuple[Bridge, Bridge]:
    """The map alone, and with its experts, of everything but the book."""
    seen = ~corpus.are_of(book)
    figures = take(corpus.examples, seen)
    alone = train_bridge(figures, Recipe(members=MEMBERS))
    drawing = add_drawings(
        alone, figures, corpus.drawings, replace(DRAWINGS_RECIPE, members=MEMBERS)
    )
    return alone, add_dishes(drawing, figures, corpus.are_of(RECIPES)[seen], corpus.drawings)


if __name__ == "__main__":
    main()
