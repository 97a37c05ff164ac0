"""What the hinge's expert for dishes is worth, on recipes that neither it nor the map has seen.

Run ``python -m benchmarks.hinge_dishes --data FOLDER``: the corpus that the hinge was trained on.
The held-out recipes alone are 37 photographs, so every fifth of the recipes is left out in turn:
the map of photographs is trained anew on all else but the held-out book, the expert fitted beside
it, and both are asked for what was left out, with the map alone beside them. Then the same among
the figures of the held-out book, whose texts compete as well: what tells one dish from another must
not part dishes from what is written about them. Five minutes on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.hinge_recall import CUTS, to_interval, to_ranks
from ingest.encoders.hinge.bridge import load_bridge
from ingest.encoders.hinge.contrast import Recipe, train_bridge
from ingest.encoders.hinge.corpus import HELD_OUT_BOOK, RECIPE_FOLDS, Figure, read_figures
from ingest.encoders.hinge.learn_dishes import add_dishes, take
from ingest.encoders.hinge.towers import Arithmetic, TextTower, Tokens
from ingest.encoders.hinge.train import FIRST, to_examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge
    from ingest.encoders.hinge.contrast import Examples

    Floats = NDArray[np.float32]
    Hits = NDArray[np.float64]

BOOK_ALONE = "the book alone, description"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures and a text of each.

    Attributes:
        pictures: What the towers say of them.
        texts: ``(n, 384)`` float32 unit rows, one a picture.
    """

    pictures: Examples
    texts: Floats


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--members", type=int, default=1, help="of each map; 4 in the hinge")
    chosen = parser.parse_args()
    figures = [figure for figure in read_figures(chosen.data) if figure.training_texts]
    tower = TextTower(Tokens(), Arithmetic(threads=chosen.workers))
    classes = load_bridge(FIRST).classes
    examples = to_examples(figures, tower, classes, chosen.workers)
    recipe = Recipe(members=chosen.members)
    found: dict[str, list[Hits]] = {}
    for fold in range(RECIPE_FOLDS):
        for name, hits in _measure_fold(figures, examples, tower, recipe, fold):
            found.setdefault(name, []).append(hits)
    print_head()
    for name, parts in found.items():
        # Every fold asks the same of the book and something else of the recipes.
        is_same = name.startswith(BOOK_ALONE)
        print_row(name, np.mean(parts, axis=0) if is_same else np.concatenate(parts, axis=1))


def _measure_fold(
    figures: Sequence[Figure], examples: Examples, tower: TextTower, recipe: Recipe, fold: int
) -> Iterator[tuple[str, Hits]]:
    """Hits of the map alone and with the expert, a row each, by what was asked."""
    are_dishes = np.array([figure.fold is not None for figure in figures])
    left_out = np.array([figure.fold == fold for figure in figures])
    in_book = np.array([figure.collection == HELD_OUT_BOOK for figure in figures])
    seen = ~left_out & ~in_book
    figures_seen = take(examples, seen)
    alone = train_bridge(figures_seen, recipe)
    both = (alone, add_dishes(alone, figures_seen, are_dishes[seen]))
    shown = [figure for figure, is_it in zip(figures, left_out, strict=True) if is_it]
    book = to_gallery(figures, examples, in_book, tower, "description")
    asked = {
        "title": [figure.description.split(" (")[0] for figure in shown],
        "title, ingredients": [figure.caption for figure in shown],
    }
    for kind, texts in asked.items():
        dishes = Gallery(take(examples, left_out), tower.encode(texts))
        for label, beside in (("", None), (" among a book", book)):
            yield from iter_ways(f"recipes{label}, {kind}", both, dishes, beside)
    yield from iter_ways(BOOK_ALONE, both, book)


def to_gallery(
    figures: Sequence[Figure],
    examples: Examples,
    rows: NDArray[np.bool_],
    tower: TextTower,
    kind: str,
) -> Gallery:
    """Those of the figures that have a text of this kind.

    Args:
        figures: What the examples are of.
        examples: Of the figures.
        rows: ``(n,)``, which of them.
        tower: Of the texts.
        kind: ``description``, ``caption`` or ``joined``.
    """
    named = [getattr(figure, kind) for figure in figures]
    has = rows & np.array([bool(text) for text in named])
    return Gallery(take(examples, has), tower.encode([named[row] for row in np.flatnonzero(has)]))


def iter_ways(
    name: str, bridges: Sequence[Bridge], asked: Gallery, beside: Gallery | None = None
) -> Iterator[tuple[str, Hits]]:
    """Both ways of asking: whether each is found among the first ten, a row a bridge."""
    pairs = [_to_hits(bridge, asked, beside) for bridge in bridges]
    for nth, way in enumerate(("text -> image", "image -> text")):
        yield f"{name}, {way}", np.stack([pair[nth] for pair in pairs])


def _to_hits(bridge: Bridge, asked: Gallery, beside: Gallery | None) -> tuple[Hits, Hits]:
    """Whether each of the asked is found among the first ten, by text and by picture."""
    galleries = [asked] if beside is None else [asked, beside]
    images = np.concatenate(
        [bridge.to_vectors(one.pictures.features, one.pictures.logits) for one in galleries]
    )
    texts = np.concatenate([one.texts for one in galleries])
    ranks = to_ranks(texts @ images.T, np.arange(len(texts)))
    by_text, by_image = ((way[: len(asked.texts)] <= CUTS[-1]).astype(float) for way in ranks)
    return by_text, by_image


def print_head() -> None:
    """What the columns of :func:`print_row` are."""
    print(f"{'R@10, percent':<56}{'map alone':>11}{'with experts':>14}  gain, 95 % interval")


def print_row(name: str, hits: Hits) -> None:
    """Recall with and without, and the paired bootstrap interval of the gain.

    Args:
        name: What was asked.
        hits: ``(2, n)``, without and with experts.
    """
    alone, both = 100 * hits.mean(axis=1)
    gains = 100 * (hits[1] - hits[0])
    low, high = to_interval(gains)
    print(f"{name:<56}{alone:>11.1f}{both:>14.1f}  {both - alone:+.1f} [{low:+.1f}, {high:+.1f}]")


if __name__ == "__main__":
    main()
