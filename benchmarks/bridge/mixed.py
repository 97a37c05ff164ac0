"""What a domain's bridge finds where the domain lies among other pictures.

Run ``python -m benchmarks.bridge.mixed --domain PAIRS --general PAIRS MODEL...``: the images of
both files are one gallery, and so are their texts; each file's own are asked for. A bridge that has
forgotten the rest, or moved its domain in front of it, shows here.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.hinge_recall import to_ranks
from ingest.bridge.pairs import read_pairs
from ingest.encoders.load import load_encoder
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from schemas.space import Encoder

    Floats = NDArray[np.float32]
    Texts = dict[Path, tuple[str, ...]]

CUT = 10
BATCH = 32


def main() -> None:
    """Print recall@10 of each model, both ways, for each file's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", type=Path, required=True)
    parser.add_argument("--general", type=Path, required=True)
    parser.add_argument("models", nargs="+", help="hub ids, folders, hinge-en-2")
    chosen = parser.parse_args()
    domain, general = (read_texts(path) for path in (chosen.domain, chosen.general))
    print(f"{len(domain)} images of the domain among {len(general)} others, R@{CUT} in percent")
    print(f"{'':<30}{'domain':^24}{'others':^24}")
    print(f"{'':<30}" + 2 * f"{'by words':>12}{'by image':>12}")
    for model in chosen.models:
        found = measure(load_encoder(model), domain, general)
        print(f"{Path(model).name:<30}" + "".join(f"{100 * share:>12.1f}" for share in found))


def read_texts(pairs: Path) -> Texts:
    """The texts of each image."""
    texts: Texts = {}
    for pair in read_pairs(pairs).pairs:
        texts[pair.path] = (*texts.get(pair.path, ()), *pair.texts)
    return texts


def measure(encoder: Encoder, domain: Texts, general: Texts) -> list[float]:
    """Recall by words and by image of the domain, then of the rest."""
    both = {**domain, **general}
    images = encode_images(encoder, list(both))
    asked = [(text, place) for place, texts in enumerate(both.values()) for text in texts]
    owner = np.array([place for _, place in asked])
    texts = encoder.encode_texts([text for text, _ in asked], Role.QUERY)
    scores = np.asarray(texts) @ images.T
    by_image, by_words = (ranks <= CUT for ranks in to_ranks(scores.T, owner))
    of_domain = np.arange(len(both)) < len(domain)
    return [
        float(found[rows].mean())
        for is_own in (of_domain, ~of_domain)
        for found, rows in ((by_words, is_own[owner]), (by_image, is_own))
    ]


def encode_images(encoder: Encoder, paths: Sequence[Path]) -> Floats:
    """``(n, d)`` float32, in order."""
    parts = []
    for start in range(0, len(paths), BATCH):
        images = [Image.open(path).convert("RGB") for path in paths[start : start + BATCH]]
        parts.append(np.asarray(encoder.encode_images(images)))
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
