"""A page as a browser shows it: its lines, its headings, its images."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text
from ingest.decode.document import Heading
from ingest.decode.html_images import (
    find_caption,
    is_beside_the_text,
    to_alt_text,
    to_location,
)
from ingest.decode.passages import LineIndex, to_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from ingest.decode.figures import Figures

_UNSHOWN = frozenset(
    {"head", "iframe", "math", "noscript", "object", "script", "style", "svg", "template"}
)
_INLINE = frozenset(
    {
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn"),
        *("em", "font", "i", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp"),
        *("small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
    }
)
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_SPACES = re.compile(r"[ \t\n]+")

_ANCHORS = "§¶"
"""With these, documentation marks the links to its headings."""

_MAX_IMAGES = 10_000
"""No more are looked at: what a page says of each takes a walk through its neighbours."""

_NEAR_LINES = 3
"""A heading that was sifted out is where one of so many lines behind it is."""

_BESIDE_LINES = 2
"""An image belongs to the sifted text where one of so many lines before or behind it does."""


@dataclass(slots=True)
class ShownPage:
    """What a browser would show of a page.

    Attributes:
        lines: All text, one line a block.
        headings: Of each heading, the first of its lines, the line behind it, and its level.
        images: Of each image, how many lines end before it, and its element.
    """

    lines: list[str] = field(default_factory=list)
    headings: list[tuple[int, int, int]] = field(default_factory=list)
    images: list[tuple[int, HtmlElement]] = field(default_factory=list)

    def to_text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    def find_headings(self, text: str) -> tuple[Heading, ...]:
        """Those headings that head anything in a text which was sifted from the page."""
        index = LineIndex(text)
        found: list[Heading] = []
        position = 0
        ends = [first for first, *_ in self.headings[1:]] + [len(self.lines)]
        for (first, behind, level), end in zip(self.headings, ends, strict=False):
            words = to_line(to_normal_text(" ".join(self.lines[first:behind])).strip(_ANCHORS))
            places = (index.find(line, position) for line in self._normal_lines(first, behind, end))
            place = next((place for place in places if place is not None), None)
            if words and place is not None:
                found.append(Heading(place, level, words))
                position = place
        return tuple(found)

    def add_figures(self, text: str, figures: Figures, base: str | None = None) -> None:
        """Collect the images that stand near anything in a text which was sifted from the page.

        Args:
            text: It; when it is blank, all images count.
            figures: Collects them.
            base: What the page's links are relative to, where the page says so.
        """
        for place, element in self.place_images(text):
            if text.strip() and (place is None or is_beside_the_text(element)):
                continue
            location = to_location(element, base, figures)
            if location is not None:
                figures.add_link(
                    location,
                    caption=find_caption(element),
                    alt_text=to_alt_text(element),
                    start_char=place or 0,
                )
        for _ in self.images[_MAX_IMAGES:]:
            figures.leave_out(f"beyond the first {_MAX_IMAGES:,} images")

    def place_images(self, text: str) -> Iterator[tuple[int | None, HtmlElement]]:
        """Each image with where the nearest line to it is in a text that has such a line."""
        index = LineIndex(text)
        find_place = cache(lambda number: index.find(to_normal_text(self.lines[number])))
        for line_number, element in self.images[:_MAX_IMAGES]:
            places = map(find_place, self._near(line_number))
            yield next((place for place in places if place is not None), None), element

    def _near(self, line_number: int) -> tuple[int, ...]:
        """Numbers of the lines around a place that so many lines stand before, nearest first."""
        before = range(line_number - 1, max(-1, line_number - 1 - _BESIDE_LINES), -1)
        behind = range(line_number, min(len(self.lines), line_number + _BESIDE_LINES))
        return (*before, *behind)

    def _normal_lines(self, first: int, behind: int, end: int) -> list[str]:
        """The heading's own first line, then the lines that it heads."""
        near = range(behind, min(end, behind + _NEAR_LINES))
        return [to_normal_text(self.lines[number]) for number in (first, *near)]


def to_shown_page(tree: HtmlElement) -> ShownPage:
    """Walk the page once."""
    from lxml import etree

    walk = _Walk()
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if event == "start":
            walk.open(element)
        else:
            walk.close(element)
    walk.end_line()
    return walk.page


class _Walk:
    """Where the walk is: inside what is not shown, inside a heading, inside a line."""

    def __init__(self) -> None:
        self.page = ShownPage()
        self._unshown = 0
        self._line: list[str] = []
        self._heading_starts: list[int] = []

    def open(self, element: HtmlElement) -> None:
        if element.tag in _UNSHOWN:
            self._unshown += 1
        if element.tag not in _INLINE:
            self.end_line()
        if self._unshown:
            return
        if element.tag == "img":
            self.page.images.append((len(self.page.lines), element))
        elif element.tag in _LEVELS:
            self._heading_starts.append(len(self.page.lines))
        self._add(element.text)

    def close(self, element: HtmlElement) -> None:
        if element.tag in _UNSHOWN:
            self._unshown -= 1
        if element.tag not in _INLINE:
            self.end_line()
        if self._unshown:
            return
        if element.tag in _LEVELS:
            start = self._heading_starts.pop()
            if start < len(self.page.lines):
                level = _LEVELS[element.tag]
                self.page.headings.append((start, len(self.page.lines), level))
        self._add(element.tail)

    def end_line(self) -> None:
        line = "".join(self._line).strip()
        self._line.clear()
        if line:
            self.page.lines.append(line)

    def _add(self, text: str | None) -> None:
        if text:
            self._line.append(_SPACES.sub(" ", text))
