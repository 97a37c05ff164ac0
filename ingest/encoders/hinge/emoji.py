"""Emoji and icons out of npm packages: pictures by the name of what they show.

Names and keywords of emoji are those of Unicode's CLDR, from ``emojibase-data``. Iconify's packages
hold a set of SVG bodies each; ``rsvg-convert`` (librsvg) draws them.
"""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ingest.encoders.hinge.drawings import Drawing, to_named_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Keywords = Mapping[str, tuple[str, ...]]

SIDE_PIXELS = 288

_NUMBER = re.compile(r"\b\d+$")
"""Of one of several pictures by one name."""

_NO_THING = re.compile(
    r"skin tone|flag|keycap|button|zodiac|^regional|o clock|thirty$|arrow|japanese "
    r"|\b(light|medium|dark|medium light|medium dark)$"
)
"""What shows a sign, or a person once more in another colour."""

_NAMESPACES = (
    'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    f'width="{SIDE_PIXELS}" height="{SIDE_PIXELS}"'
)

_VARIATION = "-fe0f"
"""The code point that asks for a picture; files leave it out as they like."""


def read_emoji_names(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name and keywords of each emoji by its code points, ``1f408-200d-2b1b``.

    Args:
        folder: Of the unpacked package ``emojibase-data``.
    """
    rows = json.loads((folder / "en" / "data.json").read_text(encoding="utf-8"))
    return {
        row["hexcode"].lower().replace(_VARIATION, ""): (row["label"], tuple(row.get("tags", ())))
        for row in rows
    }


def read_emoji_pictures(
    folder: Path, source: str, names: Mapping[str, tuple[str, tuple[str, ...]]]
) -> list[Drawing]:
    """Pictures whose file names are code points; those that show no thing are left out."""
    drawings = []
    for path in sorted(folder.iterdir()):
        name, keywords = names.get(path.stem.lower().replace(_VARIATION, ""), ("", ()))
        if name and not _NO_THING.search(_to_words(name)):
            drawings.append(Drawing(path, source, to_named_texts(name, keywords)))
    return drawings


def read_icons(
    folder: Path,
    drawn: Path,
    names: Mapping[str, tuple[str, tuple[str, ...]]] | None = None,
    workers: int = 2,
) -> list[Drawing]:
    """The pictures of an Iconify package, drawn where they are not yet.

    Args:
        folder: Of the unpacked package, which has ``icons.json``.
        drawn: Where the drawn pictures are kept.
        names: Of emoji, when the set is one of emoji; see :func:`read_emoji_names`.
        workers: Programs at once.

    Raises:
        OSError: ``rsvg-convert`` is not there.
        subprocess.CalledProcessError: It could not draw a picture.
    """
    content = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    known = {_to_words(name): keywords for name, keywords in (names or {}).values()}
    target = drawn / content["prefix"]
    target.mkdir(parents=True, exist_ok=True)
    drawings, jobs = [], []
    for slug, svg in _iter_svgs(content):
        name = _NUMBER.sub("", _to_words(slug)).strip()
        if not name or _NO_THING.search(name):
            continue
        path = target / f"{slug}.png"
        jobs.append((svg, path))
        texts = to_named_texts(name, known.get(name, ()))
        drawings.append(Drawing(path, content["prefix"], texts))
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(_draw, jobs))
    return drawings


def _iter_svgs(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    usual = {side: content.get(side, 16) for side in ("width", "height")}
    for slug, icon in content["icons"].items():
        if icon.get("hidden"):
            continue
        box = {"left": 0, "top": 0, **usual, **icon}
        view = " ".join(str(box[edge]) for edge in ("left", "top", "width", "height"))
        body = icon["body"].replace("currentColor", "#000")
        yield slug, f'<svg {_NAMESPACES} viewBox="{view}">{body}</svg>'


def _draw(job: tuple[str, Path]) -> None:
    svg, path = job
    if path.exists():
        return
    side = str(SIDE_PIXELS)
    command = ["rsvg-convert", "--width", side, "--height", side, "--background-color", "white"]
    made = subprocess.run(  # noqa: S603 (our own words)
        command, input=svg.encode(), capture_output=True, check=True
    )
    path.write_bytes(made.stdout)


def _to_words(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower().replace("&", "and")).strip()
