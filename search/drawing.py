"""Text on pictures with the font that Pillow carries: what fits, what can be drawn."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

    Font = FreeTypeFont | BitmapFont

ELLIPSIS = "…"
MISSING = "\uffff"  # not a character, so every font draws its box for it


@cache
def load_font(size_pixels: int) -> Font:
    """Pillow's own font, so that a sheet looks the same everywhere."""
    return ImageFont.load_default(size_pixels)


def to_drawable(text: str) -> str:
    """The text in glyphs that the font has.

    Accented letters lose their accents, white space and control characters become blanks, and
    what is left without a glyph is drawn as a box: nothing a file name or a document holds can
    stop a sheet.
    """
    return "".join(map(_to_drawable_char, text))


def fit_line(text: str, font: Font, width_pixels: int) -> str:
    """One line, cut with an ellipsis where it is too long."""
    return _fit(text, font, width_pixels, lambda line, kept: line[:kept].rstrip() + ELLIPSIS)


def fit_name(text: str, font: Font, width_pixels: int) -> str:
    """One line, cut in the middle: a file name's beginning and ending both say what it is."""
    return _fit(
        text,
        font,
        width_pixels,
        lambda name, kept: f"{name[: kept - kept // 2]}{ELLIPSIS}{name[len(name) - kept // 2 :]}",
    )


def wrap_lines(text: str, font: Font, width_pixels: int, most_lines: int) -> list[str]:
    """Lines no wider than asked; the last one ends in an ellipsis if there is more."""
    words = to_drawable(text).split()
    lines: list[str] = []
    while words and len(lines) < most_lines - 1:
        line = words.pop(0)
        while words and font.getlength(f"{line} {words[0]}") <= width_pixels:
            line = f"{line} {words.pop(0)}"
        lines.append(fit_line(line, font, width_pixels))
    return [*lines, fit_line(" ".join(words), font, width_pixels)] if words else lines


def fit_inside(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """The whole image, scaled to fit a box of (width, height) pixels, sides never below 1."""
    scale = min(box[0] / image.width, box[1] / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _fit(text: str, font: Font, width_pixels: int, cut: Callable[[str, int], str]) -> str:
    """The text, or as many of its characters as fit when ``cut`` leaves that many."""
    line = to_drawable(text)
    # No glyph is narrower than a pixel, so a longer text need not be measured.
    most = min(len(line), width_pixels)
    if most == len(line) and font.getlength(line) <= width_pixels:
        return line
    kept = bisect_left(
        range(1, most + 1), 1, key=lambda kept: font.getlength(cut(line, kept)) > width_pixels
    )
    return cut(line, kept)


@cache
def _to_drawable_char(char: str) -> str:
    if char.isascii():
        return char if char.isprintable() else " "
    if char.isspace():
        return " "
    if _has_glyph(char):
        return char
    plain = "".join(c for c in unicodedata.normalize("NFKD", char) if c.isascii())
    return plain or MISSING


@cache
def _has_glyph(char: str) -> bool:
    """Whether the font draws more than its box; only freetype fonts have more than Latin 1."""
    font = load_font(16)
    if not isinstance(font, ImageFont.FreeTypeFont) or unicodedata.category(char)[0] == "C":
        return False
    return bytes(font.getmask(char)) != bytes(font.getmask(MISSING))
