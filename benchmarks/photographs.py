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

SMALL_PIXELS = (640, 480)
LARGE_PIXELS = (4000, 3000)
"""12 megapixels, as telephones take them."""

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


def write_jpegs(
    folder: Path, count: int, seed: int = 0, size_pixels: tuple[int, int] = SMALL_PIXELS
) -> list[Path]:
    """Write JPEGs of quality 90: crops of the photographs, scaled, with noise.

    The noise makes each file another one and gives it the size of a photograph, not of a drawing.

    Args:
        folder: Is there and empty.
        count: How many.
        seed: Of the crops and of the noise.
        size_pixels: Width and height of each.
    """
    generator = np.random.default_rng(seed)
    photographs = list(read_photographs().values())
    paths = []
    for nth in range(count):
        photograph = photographs[nth % len(photographs)]
        cropped = _crop(photograph, generator, size_pixels)
        path = folder / f"{nth:05}.jpg"
        _add_noise(cropped, generator).save(path, quality=_QUALITY)
        paths.append(path)
    return paths


def _add_noise(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float32)
    noise = generator.standard_normal(pixels.shape, dtype=np.float32)
    return Image.fromarray((pixels + _NOISE * noise).clip(0, 255).astype(np.uint8))


def _crop(
    photograph: Image.Image, generator: np.random.Generator, size_pixels: tuple[int, int]
) -> Image.Image:
    width, height = (side * generator.uniform(0.6, 1.0) for side in photograph.size)
    left = generator.uniform(0, photograph.width - width)
    top = generator.uniform(0, photograph.height - height)
    box = (left, top, left + width, top + height)
    return photograph.resize(size_pixels, Image.Resampling.BICUBIC, box=box)
