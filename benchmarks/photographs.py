"""Photographs for benchmarks: those that the scikit-image wheel ships, and variants of them."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

QUERIES = {
    "astronaut.png": ("an astronaut", "a smiling woman in an orange space suit"),
    "brick.png": ("a brick wall",),
    "camera.png": ("a man with a camera", "a photographer with a tripod"),
    "chelsea.png": ("a cat", "the face of a ginger cat"),
    "clock_motion.png": ("a clock",),
    "coffee.png": ("a cup of coffee", "an espresso"),
    "coins.png": ("coins", "ancient coins"),
    "grass.png": ("grass", "a lawn"),
    "gravel.png": ("gravel", "pebbles and small stones"),
    "horse.png": ("a horse", "the silhouette of a horse"),
    "hubble_deep_field.jpg": ("galaxies in deep space", "stars seen through a telescope"),
    "ihc.png": ("stained tissue under a microscope",),
    "moon.png": ("the surface of the moon", "craters on the moon"),
    "motorcycle_left.png": ("a motorcycle", "a motorbike in a garage"),
    "page.png": ("a scanned page of text", "a page of a book"),
    "retina.jpg": ("the retina of an eye", "a medical photograph of the eye"),
    "rocket.jpg": ("a rocket", "a rocket launch"),
    "text.png": ("handwritten text",),
}
"""Short queries, by the photograph that answers them."""

_SIZE_PIXELS = (640, 480)
_QUALITY = 90
_NOISE = 6.0


def read_photographs() -> dict[str, Image.Image]:
    """The photographs of :data:`QUERIES` in RGB, by file name."""
    folder = files("skimage.data")
    opened: dict[str, Image.Image] = {}
    for name in QUERIES:
        with (folder / name).open("rb") as stream, Image.open(stream) as image:
            opened[name] = image.convert("RGB")
    return opened


def write_jpegs(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write JPEGs of 640x480, quality 90: crops of the photographs, scaled, with noise.

    The noise makes each file another one and gives it the size of a photograph, not of a drawing.
    """
    generator = np.random.default_rng(seed)
    photographs = list(read_photographs().values())
    paths = []
    for nth in range(count):
        photograph = photographs[nth % len(photographs)]
        pixels = np.asarray(_crop(photograph, generator), dtype=np.float32)
        noisy = pixels + generator.normal(0.0, _NOISE, pixels.shape)
        path = folder / f"{nth:04}.jpg"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=_QUALITY)
        paths.append(path)
    return paths


def _crop(photograph: Image.Image, generator: np.random.Generator) -> Image.Image:
    width, height = (side * generator.uniform(0.6, 1.0) for side in photograph.size)
    left = generator.uniform(0, photograph.width - width)
    top = generator.uniform(0, photograph.height - height)
    box = (left, top, left + width, top + height)
    return photograph.resize(_SIZE_PIXELS, Image.Resampling.BICUBIC, box=box)
