"""How well ``hinge-en-1`` finds figures by text and texts by figure, on what it never saw.

Run ``python benchmarks/hinge_recall.py --data FOLDER``, with the corpus the weights were trained on
(``docs/models/hinge-en-1.md`` says what it is). Galleries are the held-out book and the held-out
recipes; each query has one right answer. ConSE alone, which needs no training, stands beside it.
With scikit-image installed, short everyday queries against its photographs follow.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.photographs import QUERIES, read_photographs
from ingest.encoders.hinge.bridge import load_bridge, to_conse
from ingest.encoders.hinge.corpus import HELD_OUT_BOOK, RECIPES, Figure, read_figures
from ingest.encoders.hinge.encoder import HingeEncoder
from ingest.encoders.hinge.train import describe_images
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CUTS = (1, 5, 10)
SYSTEMS = ("hinge-en-1", "ConSE alone")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    held_out = [figure for figure in read_figures(chosen.data) if figure.held_out]
    encoder = HingeEncoder()

    columns = "".join(f"{f'R@{cut}':>7}" for cut in CUTS)
    print(f"{'':<52}{'text -> image':^21}{'image -> text':^24}")
    print(f"{'gallery (figures), text':<40}{'system':<12}{columns}   {columns}")
    for collection in (HELD_OUT_BOOK, RECIPES):
        gallery = [figure for figure in held_out if figure.collection == collection]
        images = encode_gallery(encoder, gallery, chosen.workers)
        for kind, texts in to_texts(gallery).items():
            vectors = encoder.encode_texts([text for text in texts if text], Role.QUERY)
            print_rows(f"{collection}, {kind}", images, texts, vectors)
    if find_spec("skimage"):
        print_short_queries(encoder)


def encode_gallery(
    encoder: HingeEncoder, gallery: Sequence[Figure], workers: int
) -> tuple[Floats, Floats]:
    """Vectors of the images by each of ``SYSTEMS``."""
    paths = [figure.path for figure in gallery]
    ours = np.concatenate([encoder.encode_images([_open(path)]) for path in paths])
    _, logits = describe_images(paths, workers)
    bridge = load_bridge()
    return ours, to_conse(logits, bridge.classes, bridge.temperature)


def to_texts(gallery: Sequence[Figure]) -> dict[str, list[str]]:
    """What is searched with and for, by name; empty where a figure has no such text."""
    if gallery[0].collection == RECIPES:
        return {
            "title": [figure.description.split(" (")[0] for figure in gallery],
            "title, ingredients": [figure.caption for figure in gallery],
        }
    return {
        "description": [figure.description for figure in gallery],
        "caption": [figure.caption for figure in gallery],
        "both": [figure.joined for figure in gallery],
    }


def print_rows(label: str, images: Sequence[Floats], texts: Sequence[str], vectors: Floats) -> None:
    """One row a system; figures without such a text are left out of the gallery."""
    kept = np.array([bool(text) for text in texts])
    collection, _, kind = label.partition(", ")
    shown = f"{collection} ({kept.sum()}), {kind}"
    for system, rows in zip(SYSTEMS, images, strict=True):
        scores = vectors @ rows[kept].T
        both = (to_ranks(scores), to_ranks(scores.T))
        cells = ["".join(f"{100 * np.mean(ranks <= cut):>7.1f}" for cut in CUTS) for ranks in both]
        print(f"{shown:<40}{system:<12}{cells[0]}   {cells[1]}")


def to_ranks(scores: Floats) -> NDArray[np.int64]:
    """Rank, from 1, of the right answer of each row; the right answer of row i is column i.

    Only what scores higher stands before it: two photographs of one recipe share a text.
    """
    right = np.diag(scores)[:, None]
    return np.asarray((scores > right).sum(axis=1) + 1)


def print_short_queries(encoder: HingeEncoder) -> None:
    """Rank of the right photograph for each everyday query, by our vectors."""
    photographs = read_photographs()
    images = encoder.encode_images(list(photographs.values()))
    names = list(photographs)
    asked = [(query, name) for name, queries in QUERIES.items() for query in queries]
    scores = encoder.encode_texts([query for query, _ in asked], Role.QUERY) @ images.T
    print(f"\n{'short query':<36}{'rank':>5} of {len(names)} photographs")
    ranks = []
    for row, (query, name) in zip(scores, asked, strict=True):
        ranks.append(int((row >= row[names.index(name)]).sum()))
        first = "" if ranks[-1] == 1 else f"   first: {names[row.argmax()]}"
        print(f"{query:<36}{ranks[-1]:>5}{first}")
    print(f"first {np.mean(np.array(ranks) == 1):.0%}, in the first three ", end="")
    print(f"{np.mean(np.array(ranks) <= 3):.0%} of {len(ranks)} queries")  # noqa: PLR2004


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


if __name__ == "__main__":
    main()
