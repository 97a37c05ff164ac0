"""The open figures as examples: described once by the frozen hinge, kept in a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

from ingest.encoders.bridge.backbone import open_backbone
from ingest.encoders.bridge.conse import Conse, to_class_vectors
from ingest.encoders.bridge.described import Described
from ingest.encoders.bridge.examples import Examples
from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.encoders.hinge.corpus import Figure, read_figures
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.encoders.bridge.backbone import Backbone

KINDS = ("description", "caption", "joined")
"""The texts of a figure that a gallery is asked by: what it shows, what it is for, both."""


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Figures with what the frozen encoders say of them and of their texts.

    Attributes:
        figures: In the order of ``images``.
        images: Of the figures.
        texts: Vectors of all their texts.
        places: Text to its row.
        classes: Of the image encoder, for ConSE.
    """

    figures: list[Figure]
    images: Described
    texts: Described
    places: dict[str, int]
    classes: NDArray[np.float32]

    def to_conse(self, softness: float) -> Conse:
        """ConSE without any training."""
        return Conse(self.classes, softness)

    def to_pairs(self, figures: Sequence[int]) -> NDArray[np.int64]:
        """``(n, 2)`` rows of figures and texts, every text of each figure."""
        rows = [
            (row, self.places[text]) for row in figures for text in self.figures[row].training_texts
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 2)

    def to_examples(self, pairs: NDArray[np.int64]) -> Examples:
        """Pairs of a figure and a text as examples, a figure with several texts once."""
        rows = np.unique(pairs[:, 0])
        texts = [pairs[pairs[:, 0] == row, 1] for row in rows]
        owned = np.full((len(rows), max(map(len, texts))), -1, dtype=np.int64)
        for line, own in zip(owned, texts, strict=True):
            line[: len(own)] = own
        return Examples(self.images, self.texts, self._spread(rows, owned)).take(rows)

    def _spread(self, rows: NDArray[np.int64], owned: NDArray[np.int64]) -> NDArray[np.int64]:
        spread = np.full((len(self.images), owned.shape[1]), -1, dtype=np.int64)
        spread[rows] = owned
        return spread


def read_corpus(folder: Path, cache: Path) -> Corpus:
    """Read the figures of a folder, and describe them where the cache does not have them."""
    figures = [figure for figure in read_figures(folder) if figure.training_texts]
    texts = sorted({text for one in figures for text in (*one.training_texts, one.joined)})
    backbone = open_backbone(HINGE_MODEL_ID)
    names = [str(figure.path.relative_to(folder)) for figure in figures]
    arrays = _read(cache, names, texts, backbone.space.revision)
    if arrays is None:
        arrays = _describe(backbone, figures, texts)
        told = {"names": names, "asked": texts, "revision": backbone.space.revision}
        np.savez(cache, **told, **arrays)  # type: ignore[arg-type]
    images = Described(arrays["features"], logits=arrays["logits"])
    described = Described(arrays["texts"], own=arrays["texts"])
    places = {text: row for row, text in enumerate(texts)}
    return Corpus(figures, images, described, places, arrays["classes"])


def _read(
    cache: Path, names: Sequence[str], texts: Sequence[str], revision: str
) -> dict[str, NDArray[np.float32]] | None:
    if not cache.exists():
        return None
    kept = np.load(cache)
    same = kept["revision"] == revision and np.array_equal(kept["names"], names)
    if not same or not np.array_equal(kept["asked"], texts):
        return None
    return {name: kept[name] for name in ("features", "logits", "texts", "classes")}


def _describe(
    backbone: Backbone, figures: Sequence[Figure], texts: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    def describe(figure: Figure) -> Described:
        with Image.open(figure.path) as image:
            return backbone.describe_images([image.convert("RGB")])

    with ThreadPoolExecutor(2) as pool:
        rows = list(tqdm(pool.map(describe, figures), total=len(figures), unit="figure"))
    images = Described.concatenate(rows)
    kinds = list(zip(*backbone.class_texts, strict=True))
    classes = sum(backbone.describe_texts(kind, Role.DOCUMENT).features for kind in kinds)
    return {
        "features": images.features,
        "logits": np.asarray(images.logits),
        "texts": backbone.describe_texts(texts, Role.DOCUMENT).features,
        "classes": to_class_vectors(np.asarray(classes)),
    }
