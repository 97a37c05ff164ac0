"""Where the drawings are from: npm packages, unpacked below one folder.

``docs/models/hinge-en-2.md`` has the commands that fill the folder, and each set's licence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.encoders.hinge.emoji import read_emoji_names, read_emoji_pictures, read_icons

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.encoders.hinge.drawings import Drawing

EMOJI_NAMES = "emojibase-data/package"
FLUENT_3D = "fluent-emoji-3d/package/assets"

EMOJI_SETS = (
    "noto",
    "twemoji",
    "fluent-emoji-flat",
    "fxemoji",
    "noto-v1",
    "streamline-emojis",
)
ICON_SETS = (
    "streamline-ultimate-color",
    "streamline-plump-color",
    "streamline-freehand-color",
    "streamline-kameleon-color",
    "flat-color-icons",
)
"""Iconify's packages, in ``NAME/package``."""

DRAWN = "drawn"
"""Where the pictures that the icon sets are drawn to are kept."""


def read_drawings(folder: Path) -> list[Drawing]:
    """Every drawing, set by set.

    Raises:
        OSError: A set is not there, or ``rsvg-convert`` is not.
    """
    names = read_emoji_names(folder / EMOJI_NAMES)
    drawings = read_emoji_pictures(folder / FLUENT_3D, "fluent-emoji-3d", names)
    for name in (*EMOJI_SETS, *ICON_SETS):
        package = folder / name / "package"
        drawings += read_icons(package, folder / DRAWN, names if name in EMOJI_SETS else None)
    return drawings
