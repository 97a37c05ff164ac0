"""Drawings to train on beside the figures: emoji and icons, each with its names.

Which packages they are from, how those are fetched and what their licences are is in
``docs/models/hinge-en-2.md``. A drawing lies over white,
as :mod:`ingest.decode` would show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing and the texts that count as right for it.

    Attributes:
        path: The image file, which Pillow opens.
        source: The set that it is from.
        training_texts: Its name; its name with keywords. At least one.
    """

    path: Path
    source: str
    training_texts: tuple[str, ...]


def to_named_texts(name: str, keywords: Sequence[str]) -> tuple[str, ...]:
    """The name, and the name with those keywords that say more than it.

    Args:
        name: May be empty; then the keywords stand alone.
        keywords: May be empty too; then the name stands alone.
    """
    more = ", ".join(dict.fromkeys(word for word in keywords if word.lower() != name.lower()))
    joined = ": ".join(part for part in (name, more) if part)
    return tuple(dict.fromkeys(text for text in (name, joined) if text))


def open_over_white(path: Path) -> Image:
    """The image file in RGB, what is transparent in white.

    Raises:
        OSError: It is no image that Pillow reads.
    """
    from PIL import Image

    with Image.open(path) as image:
        if not (image.has_transparency_data or image.mode in ("RGBA", "LA", "PA")):
            return image.convert("RGB")
        layered = image.convert("RGBA")
    ground = Image.new("RGBA", layered.size, "white")
    ground.alpha_composite(layered)
    return ground.convert("RGB")
