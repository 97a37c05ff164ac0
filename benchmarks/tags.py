"""Zero-shot tags: by which score, and from which percentile on.

Run ``python -m benchmarks.tags --data FOLDER`` with the corpus that ``hinge-en-1`` was trained on
(``docs/models/hinge-en-1.md``); only what it never saw is used. A label counts as right for a
figure if the word, or its plural, stands in the figure's description or caption. These do not name
all that is to be seen, so the true precision is higher than the one that is printed. The second
table is of the photographs of scikit-image, whose labels are known.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.photographs import read_photographs
from ingest.encoders.hinge.corpus import read_figures
from ingest.encoders.load import load_encoder
from schemas.settings import load_settings
from search.annotate.labels import encode_labels
from search.annotate.neutral_words import NEUTRAL_WORDS
from search.annotate.photographs import iter_photographs
from search.annotate.yardstick import Yardstick
from search.photograph import open_photograph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.float32]
    Truth = NDArray[np.bool_]

_LABELS = """
airplane baby banner beach bicycle bird boat book bread bridge bus cake camera car cat chart cheese
chicken child church city classroom computer cow crowd dancer desk diagram dog doctor family farm
fish flag flower football forest galaxy glass graph guitar hat horse hospital house kitchen man map
market mask mosque mountain musician nurse office painting pancake pasta phone pie pizza police
politician portrait potato prison protest rice river salad sandwich sauce ship sign skyscraper smoke
soldier soup stadium statue street student tattoo telescope train tree vegetable veil volcano
wedding wheelchair woman
"""

PHOTOGRAPHS = {
    "astronaut.png": ("astronaut", "woman", "space suit"),
    "brick.png": ("bricks",),
    "camera.png": ("camera", "photographer", "tripod", "man"),
    "chelsea.png": ("cat",),
    "clock_motion.png": ("clock",),
    "coffee.png": ("coffee", "cup"),
    "coins.png": ("coins",),
    "grass.png": ("grass", "lawn"),
    "gravel.png": ("gravel", "pebbles"),
    "horse.png": ("horse",),
    "hubble_deep_field.jpg": ("galaxy", "stars"),
    "ihc.png": ("tissue",),
    "moon.png": ("moon", "crater"),
    "motorcycle_left.png": ("motorcycle",),
    "page.png": ("page of text", "book"),
    "retina.jpg": ("retina", "eye"),
    "rocket.jpg": ("rocket",),
    "text.png": ("handwriting",),
}

PERCENTILES = (98.0, 99.0, 99.5, 99.8, 99.9)
TOP = 3


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    figures = [one for one in read_figures(parser.parse_args().data) if one.held_out]
    encoder = load_encoder("hinge-en-2")
    words = encode_labels(NEUTRAL_WORDS, encoder)
    labels = _LABELS.split()
    found = iter_photographs([one.path for one in figures], encoder, load_settings(isolate=False))
    rows = np.stack([one.vector for one in found if one.vector is not None])
    truth = np.array([[names(one.joined, label) for label in labels] for one in figures])
    vectors = encode_labels(labels, encoder)
    print(f"{len(rows)} figures, {len(labels)} labels, {truth.mean():.1%} of all pairs right\n")
    print_scores(rows, vectors, words, truth)
    print_percentiles(rows, vectors, Yardstick(rows, words), truth)

    photographs = [
        open_photograph(one, side_pixels=encoder.space.image_size_pixels)
        for one in read_photographs().values()
    ]
    own = sorted({label for some in PHOTOGRAPHS.values() for label in some} | set(labels))
    known = np.array([[label in PHOTOGRAPHS[name] for label in own] for name in read_photographs()])
    print(f"\n{len(known)} photographs, {len(own)} labels, {known.mean():.1%} of all pairs right")
    seen = np.concatenate([encoder.encode_images([one]) for one in photographs])
    print_percentiles(seen, encode_labels(own, encoder), Yardstick(seen, words), known)


def names(text: str, label: str) -> bool:
    """Whether a text has a word, or its plural."""
    return re.search(rf"\b{label}(s|es)?\b", text.lower()) is not None


def print_scores(rows: Rows, vectors: Rows, words: Rows, truth: Truth) -> None:
    """Average precision over all pairs of image and label, a row a score."""
    cosines = (rows @ vectors.T).astype(np.float64)
    neutral = rows @ words.T
    scores = {
        "cosine": cosines,
        "less the label's mean over the images": cosines - cosines.mean(axis=0),
        "deviations over the label's mean over the images": standard(cosines, cosines, 0),
        "deviations over the image's mean over the labels": standard(cosines, cosines, 1),
        "deviations over the image's mean over neutral words": standard(cosines, neutral, 1),
        "the same, without the average image (ours)": Yardstick(rows, words).to_fits(rows, vectors),
    }
    for name, score in scores.items():
        print(f"{name:<54}{average_precision(score, truth):>7.1%}")


def standard(scores: Floats, of: NDArray[np.floating], axis: int) -> Floats:
    """Scores less the mean of others along an axis, in their deviations."""
    mean, deviation = (f(of, axis=axis, keepdims=True) for f in (np.mean, np.std))
    return np.asarray((scores - mean) / deviation)


def average_precision(scores: Floats, truth: Truth) -> float:
    """Of the ranking of all pairs."""
    right = truth.ravel()[np.argsort(-scores.ravel(), kind="stable")]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return float(precision[right].mean())


def print_percentiles(rows: Rows, vectors: Rows, yardstick: Yardstick, truth: Truth) -> None:
    """A row a percentile, with the three best labels of an image at most."""
    fits = yardstick.to_fits(rows, vectors)
    percentiles = yardstick.to_percentiles(fits)
    best = (-fits).argsort(axis=1).argsort(axis=1) < TOP
    print(
        f"\n{'percentile':>10}{'tags an image':>15}{'images with tags':>18}{'precision':>11}",
        end="",
    )
    print(f"{'recall':>8}")
    for percentile in PERCENTILES:
        given = best & (percentiles >= percentile)
        print(f"{percentile:>10}{given.sum() / len(rows):>15.2f}", end="")
        print(f"{given.any(axis=1).mean():>18.0%}{truth[given].mean():>11.0%}", end="")
        print(f"{given[truth].mean():>8.0%}")


if __name__ == "__main__":
    main()
