"""Tux Paint's stamps: pictures on transparent ground, each with a name, for measuring alone.

They are those of Debian's ``tuxpaint-stamps-default`` (GPL-2), unpacked; no training may see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SIGNS = "symbols"
"""The folder of letters, digits, coins and the like."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One stamp.

    Attributes:
        path: A PNG file.
        name: What it says beside it in English, e.g. ``A giraffe.``; several may have one name.
        shows_a_thing: False for letters, digits, coins and other signs.
    """

    path: Path
    name: str
    shows_a_thing: bool


def read_stamps(folder: Path) -> list[Stamp]:
    """Every PNG stamp with a name, by path.

    Args:
        folder: ``usr/share/tuxpaint/stamps`` of the unpacked package.
    """
    stamps = []
    for path in sorted(folder.rglob("*.png")):
        told = path.with_suffix(".txt")
        lines = (
            told.read_text(encoding="utf-8", errors="replace").splitlines()[:1]
            if told.exists()
            else []
        )
        if lines and lines[0].strip():
            is_sign = path.relative_to(folder).parts[0] == SIGNS
            stamps.append(Stamp(path, lines[0].strip(), not is_sign))
    return stamps
