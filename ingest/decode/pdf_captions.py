"""Captions of a PDF's images: lines that begin as captions do, nearest below or above."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypdfium2 import PdfTextPage

    Box = tuple[float, float, float, float]
    """Left, bottom, right, top, in points from the page's lower left corner."""

_CAPTION = re.compile(
    r"\s*(?:"
    r"(?:Fig(?:ure|s)?|FIG(?:URE)?|Table|TABLE|Tab|Plate|Scheme|Exhibit|Abb(?:ildung)?|Tabelle"
    r"|Figura|Tabla|Tabela|Tableau|Рис(?:унок)?|Табл(?:ица)?)\b\.?\s*"
    r"(?:[A-Z]?\d+|[IVXLC]+\b|[A-Z]\b)"
    r"|(?:Chart|Photo|Image|Illustration|Map|Bild|Foto|Afbeelding|Imagen|Схема|[図表图])\.?\s*\d+"
    r")(?!\d*\s+(?:[a-z]*s|and|or|to|in|of|zeigt|und|et|y)\s)"
)
"""A word for a figure or table and its number, in the languages of many papers and reports; not
where a sentence goes on behind it, such as "Figure 2 shows"."""

_MAX_CHARS = 20_000
"""Of a page; a page of more is no page that people read."""

_MAX_LINES = 6
"""Of a caption."""

_LINE_GAP = 0.9
"""In heights of a line: what lies further below is another paragraph."""

_REACH = 0.15
"""In heights of the page: a caption lies no further from its image."""

_TOUCH = 3.0
"""In points: boxes of characters reach a little into an image that they stand beside."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text on a page.

    Attributes:
        text: Its characters.
        box: Around all of them.
    """

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption on a page.

    Attributes:
        text: All lines of it.
        box: Around them.
    """

    text: str
    box: Box


def find_captions(text_page: PdfTextPage, text: str) -> list[Caption]:
    """The captions of a page.

    Args:
        text_page: Open.
        text: Its text; where no line of it begins as a caption does, nothing is measured.
    """
    if len(text) > _MAX_CHARS or not any(map(_CAPTION.match, text.split("\n"))):
        return []
    lines = list(_iter_lines(text_page))
    return [
        _to_caption(lines[number : number + _MAX_LINES])
        for number, line in enumerate(lines)
        if _CAPTION.match(line.text)
    ]


def choose_caption(captions: Sequence[Caption], image: Box, page_height: float) -> Caption | None:
    """The nearest caption below an image, else the nearest above it, if there is one near.

    It need not overlap the image from left to right: people centre images and not captions.
    """
    _, bottom, _, top = image
    reach = page_height * _REACH
    for gaps in (
        [(bottom - each.box[3], each) for each in captions],
        [(each.box[1] - top, each) for each in captions],
    ):
        near = [
            (max(gap, 0.0) + aside, each)
            for gap, each in gaps
            if -_TOUCH <= gap <= reach and (aside := _to_aside(each.box, image)) <= reach
        ]
        if near:
            return min(near, key=lambda pair: pair[0])[1]
    return None


def _to_aside(caption: Box, image: Box) -> float:
    """How far a caption is to the left or right of an image, in points; 0 where they overlap."""
    return max(caption[0] - image[2], image[0] - caption[2], 0.0)


def _to_caption(lines: Sequence[Line]) -> Caption:
    """The first of the lines and those that go on right below it."""
    kept = [lines[0]]
    for line in lines[1:]:
        above = kept[-1].box
        height = above[3] - above[1]
        gap = above[1] - line.box[3]
        if not -height < gap < height * _LINE_GAP or _CAPTION.match(line.text):
            break
        kept.append(line)
    return Caption(" ".join(line.text for line in kept), _around([line.box for line in kept]))


def _iter_lines(text_page: PdfTextPage) -> Iterator[Line]:
    """Every line that is not blank, with its place.

    Characters are asked for one by one: in longer pieces PDFium leaves some out and adds others.
    """
    from pypdfium2 import raw

    characters: list[str] = []
    boxes: list[Box] = []
    for index in range(text_page.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text_page, index) or 0)
        if character in "\r\n":
            yield from _to_line(characters, boxes)
            characters, boxes = [], []
        else:
            characters.append(character)
            if not character.isspace() and character != "\0":
                boxes.append(text_page.get_charbox(index))
    yield from _to_line(characters, boxes)


def _to_line(characters: Sequence[str], boxes: Sequence[Box]) -> Iterator[Line]:
    if boxes:
        yield Line("".join(characters), _around(boxes))


def _around(boxes: Sequence[Box]) -> Box:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)
