"""Two folders and a table: colours, pages, and names that would like to be code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PIL import Image

from schemas.settings import RootSettings

if TYPE_CHECKING:
    from pathlib import Path

ATTACK = '"><img src=x onerror=alert(1)><script>alert(2)<\\/script>'
"""Breaks out of an attribute and of a text, wherever it is not escaped."""

FILE_ATTACK = "red '\"><img src=x onerror=alert(3)>.png"

REDS = 40
"""More than one page of the same colour."""

_TAKEN = 36867


def write_corpus(folder: Path) -> list[RootSettings]:
    """Write everything; the roots that hold it."""
    pictures, pages, table = folder / "pictures", folder / "pages", folder / "table"
    for place in (pictures, pages, table):
        place.mkdir(parents=True)
    for number in range(REDS):
        image = Image.new("RGB", (160 + number, 120), (255, number, 0))
        exif = image.getexif()
        exif.get_ifd(0x8769)[_TAKEN] = f"{2010 + number % 3}:05:31 10:00:00"
        image.save(pictures / f"red-{number:02}.jpg", exif=exif)
    for name, colour in {"green": (0, 255, 0), "blue": (0, 0, 255)}.items():
        Image.new("RGB", (200, 120), colour).save(pictures / f"{name}.png")
    Image.new("RGB", (90, 160), (255, 0, 40)).save(pictures / FILE_ATTACK)
    (pages / "rose.md").write_text("# Roses\n\nA red rose, and a red one beside it.\n")
    (pages / "sea.md").write_text("# The sea\n\nThe blue sea.\n\n## Boats\n\nA red boat.\n")
    for number in range(12):  # as many as a background takes
        words = ("red green", "green blue", "blue black", "black red")[number % 4]
        (pages / f"page-{number:02}.md").write_text(f"# Page {number}\n\nOnly {words} here.\n")
    (pages / "attack.md").write_text(f"---\ntitle: '{ATTACK}'\n---\n\nBlack black {ATTACK}\n")
    Image.new("RGB", (100, 100), (0, 0, 0)).save(table / "black.png")
    row = {"path": "black.png", "caption": f"black {ATTACK}", "note": ATTACK}
    (table / "table.jsonl").write_text(json.dumps(row) + "\n")
    return [
        RootSettings(source=str(pictures)),
        RootSettings(source=str(pages)),
        RootSettings(source=str(table / "table.jsonl"), base=str(table)),
    ]


def write_page(folder: Path) -> list[RootSettings]:
    """A folder with a single text: too little for a background, or a map."""
    folder.mkdir()
    (folder / "rose.md").write_text("A red rose.")
    return [RootSettings(source=str(folder))]
