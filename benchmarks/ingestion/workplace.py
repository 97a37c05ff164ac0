"""Where a run keeps what is made once: the corpus of photographs and the models."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.photographs import LARGE_PIXELS, SMALL_PIXELS, write_jpegs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIZES: Mapping[str, tuple[int, int]] = {"640x480": SMALL_PIXELS, "12 MP": LARGE_PIXELS}
THUMBNAIL_PIXELS = (96, 96)


@dataclass(frozen=True, slots=True)
class Photographs:
    """A folder of JPEGs, all of one size.

    Attributes:
        folder: Holds them and nothing else.
        paths: Of each, in order.
        size: What the size is called.
    """

    folder: Path
    paths: tuple[Path, ...]
    size: str


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder, and how much is to be measured.

    Attributes:
        folder: Kept between runs; may be removed at any time.
        small: Photographs of 640x480.
        large: Photographs of 12 MP.
        repeats: How often each way is run.
        captions: File of captions, or None to make them.
        records: Records of the store's part.
        thumbnails: The two counts of images that the peaks of memory are compared at.
        texts: Captions of the texts' part, and a tenth as many passages.
        backend: What runs our encoder; None for the default. Everyone else runs as they ship.
    """

    folder: Path
    small: int = 600
    large: int = 60
    repeats: int = 5
    captions: Path | None = None
    records: int = 100_000
    thumbnails: tuple[int, int] = (2_000, 20_000)
    texts: int = 3_000
    backend: str | None = None

    @property
    def clip(self) -> Path:
        """Folder of the full-size CLIP of random weights, made on first use."""
        from benchmarks.models import build_random_clip

        return build_random_clip(self.folder / "clip-vit-b-32")

    @property
    def small_clip(self) -> Path:
        """Folder of the CLIP that costs next to nothing, made on first use."""
        from benchmarks.models import build_small_clip

        return build_small_clip(self.folder / "clip-small")

    def photographs(self, size: str) -> Photographs:
        """The JPEGs of one of :data:`SIZES`."""
        count = self.small if size == "640x480" else self.large
        return self._ensure(size.replace(" ", "-"), count, SIZES[size], size)

    def make_thumbnails(self, count: int) -> Photographs:
        """So many JPEGs of 96x96."""
        return self._ensure("thumbnails", count, THUMBNAIL_PIXELS, "96x96")

    def _ensure(
        self, name: str, count: int, size_pixels: tuple[int, int], size: str
    ) -> Photographs:
        folder = self.folder / "corpus" / f"{name}-{count}"
        if not folder.exists():
            print(f"  making {count} photographs of {size}", file=sys.stderr)
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            write_jpegs(unfinished, count, size_pixels=size_pixels)
            unfinished.rename(folder)
        return Photographs(folder, tuple(sorted(folder.glob("*.jpg"))), size)
