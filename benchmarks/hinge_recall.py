"""How well the hinges find pictures by text and texts by picture, on what they never saw.

Run ``python benchmarks/hinge_recall.py --data FOLDER --stamps FOLDER``: the corpus that the weights
were trained on (``docs/models/hinge-en-2.md`` says what it is), and Debian's
``tuxpaint-stamps-default``, unpacked (its ``usr/share/tuxpaint/stamps``). Galleries are the
held-out book, the held-out recipes and the stamps, which no training sees; every hinge that Diptych
has stands beside ConSE alone, which needs no training. Beside each recall at 10 stands its 95 %
bootstrap interval, and below what the newest hinge gains over the oldest. With scikit-image
installed, short everyday queries against its photographs follow.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.photographs import QUERIES, read_photographs
from benchmarks.stamps import read_stamps
from ingest.encoders.bridge.conse import Conse
from ingest.encoders.catalogue import HINGE_MODEL_ID, HINGE_MODELS
from ingest.encoders.hinge.bridge import load_bridge
from ingest.encoders.hinge.corpus import HELD_OUT_BOOK, RECIPES, Figure, read_figures
from ingest.encoders.hinge.encoder import HingeEncoder
from ingest.encoders.hinge.train import describe_images
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ranks = NDArray[np.int64]

CUTS = (1, 5, 10)
DRAWS = 2000
CONSE = "ConSE alone"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--stamps", type=Path, help="folder with Tux Paint's stamps")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    held_out = [figure for figure in read_figures(chosen.data) if figure.held_out]
    encoder = HingeEncoder()

    columns = "".join(f"{f'R@{cut}':>7}" for cut in CUTS)
    print(f"{'':<54}{'text -> image':^38}{'image -> text':^38}")
    print(f"{'gallery (pictures), text':<42}{'system':<12}{columns}{'':<17}{columns}")
    for collection in (HELD_OUT_BOOK, RECIPES):
        gallery = [figure for figure in held_out if figure.collection == collection]
        images = encode_gallery([figure.path for figure in gallery], chosen.workers)
        for kind, texts in to_texts(gallery).items():
            print_rows(f"{collection}, {kind}", images, texts, encoder)
    if chosen.stamps:
        stamps = read_stamps(chosen.stamps)
        images = encode_gallery([stamp.path for stamp in stamps], chosen.workers)
        print_rows("stamps, name", images, [stamp.name for stamp in stamps], encoder, shared=True)
        shows = [stamp.name if stamp.shows_a_thing else "" for stamp in stamps]
        print_rows("stamps of things, name", images, shows, encoder, shared=True)
    if find_spec("skimage"):
        for model in HINGE_MODELS:
            print_short_queries(HingeEncoder(model=model), is_whole=model == HINGE_MODEL_ID)


def encode_gallery(paths: Sequence[Path], workers: int) -> dict[str, Floats]:
    """Vectors of the images by each hinge and by ConSE alone."""
    features, logits = describe_images(paths, workers)
    vectors = {model: load_bridge(model).to_vectors(features, logits) for model in HINGE_MODELS}
    bridge = load_bridge()
    return {**vectors, CONSE: Conse(bridge.classes, bridge.temperature).apply(logits)}


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


def print_rows(
    label: str,
    images: Mapping[str, Floats],
    texts: Sequence[str],
    encoder: HingeEncoder,
    *,
    shared: bool = False,
) -> None:
    """One row a system; pictures without such a text are left out of the gallery.

    Args:
        label: The gallery and the kind of text.
        images: Vectors of the pictures by each system.
        texts: Of each picture; empty where it has none.
        encoder: Of the texts, which lie alike in every system.
        shared: Whether a text is asked once and all of its pictures are right; else once for each
            picture, and that one is.
    """
    kept = np.array([bool(text) for text in texts])
    names = [text for text in texts if text]
    asked = list(dict.fromkeys(names)) if shared else names
    vectors = encoder.encode_texts(asked, Role.QUERY)
    owner = np.array([asked.index(name) for name in names]) if shared else np.arange(len(names))
    collection, _, kind = label.partition(", ")
    shown = f"{collection} ({kept.sum()}), {kind}"
    ranks = {system: to_ranks(vectors @ rows[kept].T, owner) for system, rows in images.items()}
    for system, pair in ranks.items():
        print(f"{shown:<42}{system:<12}{to_cells(pair[0])}  {to_cells(pair[1])}")
    print(f"{'':<42}{to_gain(ranks[HINGE_MODEL_ID], ranks[HINGE_MODELS[-1]])}")


def to_ranks(scores: Floats, owner: NDArray[np.int64]) -> tuple[Ranks, Ranks]:
    """Rank, from 1, of the right answer to each text and to each picture.

    Only what scores higher stands before it: two photographs of one recipe share a text.

    Args:
        scores: ``(texts, pictures)``.
        owner: ``(pictures,)``, the row of each one's text.
    """
    own = np.arange(len(scores))[:, None] == owner[None]
    best = np.where(own, scores, -np.inf).max(axis=1)
    right = scores[owner, np.arange(len(owner))]
    to_images = (scores > best[:, None]).sum(axis=1) + 1
    return to_images, (scores > right[None]).sum(axis=0) + 1


def to_gain(newest: tuple[Ranks, Ranks], oldest: tuple[Ranks, Ranks]) -> str:
    """How much more is found among the first ten, both ways averaged, and its paired interval."""
    gains = [
        100.0 * (new <= CUTS[-1]) - 100.0 * (old <= CUTS[-1])
        for new, old in zip(newest, oldest, strict=True)
    ]
    low, high = to_interval(*gains)
    gain = np.mean([one.mean() for one in gains])
    told = f"{gain:+.1f} [{low:+.1f}, {high:+.1f}]"
    return f"newest over oldest hinge, R@{CUTS[-1]} of both ways: {told}"


def to_interval(*samples: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean of the samples' means, each drawn by itself."""
    random = np.random.default_rng(0)
    drawn = [one[random.integers(0, len(one), (DRAWS, len(one)))].mean(axis=1) for one in samples]
    low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975))
    return float(low), float(high)


def to_cells(ranks: Ranks) -> str:
    """Recall at each cut in percent, and the interval of the last."""
    found = "".join(f"{100 * np.mean(ranks <= cut):>7.1f}" for cut in CUTS)
    low, high = to_interval((ranks <= CUTS[-1]).astype(np.float64))
    return f"{found}  {f'[{100 * low:.0f}, {100 * high:.0f}]':<13}"


def print_short_queries(encoder: HingeEncoder, *, is_whole: bool) -> None:
    """Rank of the right photograph for each everyday query; only the sum where not ``is_whole``."""
    photographs = read_photographs()
    images = encoder.encode_images(list(photographs.values()))
    names = list(photographs)
    asked = [(query, name) for name, queries in QUERIES.items() for query in queries]
    scores = encoder.encode_texts([query for query, _ in asked], Role.QUERY) @ images.T
    print(f"\n{encoder.space.model_id}: {'short query':<24}{'rank':>5} of {len(names)} photographs")
    ranks = []
    for row, (query, name) in zip(scores, asked, strict=True):
        ranks.append(int((row >= row[names.index(name)]).sum()))
        first = "" if ranks[-1] == 1 else f"   first: {names[row.argmax()]}"
        if is_whole:
            print(f"{query:<36}{ranks[-1]:>5}{first}")
    print(f"first {np.mean(np.array(ranks) == 1):.0%}, in the first three ", end="")
    print(f"{np.mean(np.array(ranks) <= 3):.0%} of {len(ranks)} queries")  # noqa: PLR2004


if __name__ == "__main__":
    main()
