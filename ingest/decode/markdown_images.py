"""The images of a Markdown document, in Markdown's own words and in HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.decode.html_images import find_caption, to_alt_text, to_location
from ingest.decode.html_text import parse_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from ingest.decode.figures import Figures

_DATA_IMAGE = re.compile(r"(data:image/(?:gif|jpeg|png|webp);base64,)[A-Za-z0-9+/=]{16,}")
"""What the parser takes for an image's address, and it is one."""

_NUMBERED = re.compile(r"data:image/[a-z]+;base64,(\d{1,6})")


def set_data_aside(source: str) -> tuple[str, list[str]]:
    """The source with the images that it holds itself as numbers, and those images.

    They are pictures and no text, and longer than what the parser is given.
    """
    images: list[str] = []

    def number(match: re.Match[str]) -> str:
        images.append(match[0])
        return f"{match[1]}{len(images) - 1}"

    return _DATA_IMAGE.sub(number, source), images


class MarkdownImages:
    """Finds the images of parsed Markdown for a collection of figures."""

    def __init__(self, images: Sequence[str], figures: Figures) -> None:
        """Begin.

        Args:
            images: Those set aside by :func:`set_data_aside`.
            figures: Collects what is found.
        """
        self._images = images
        self._figures = figures

    def may_hold_images(self, content: str) -> bool:
        """Whether a paragraph's source is worth parsing for images."""
        return "![" in content or "<img" in content.lower()

    def add_all(self, tokens: Sequence[Token], start_char: int) -> None:
        """Collect the images among a paragraph's tokens, also those in descriptions of others."""
        for token in tokens:
            if token.type == "image":
                self._add_image(token, start_char)
            elif token.type == "html_inline":
                self.add_html(token.content, start_char)
            self.add_all(token.children or (), start_char)

    def add_html(self, content: str, start_char: int) -> None:
        """Collect every ``<img>`` of a piece of HTML."""
        tree = parse_html(content) if "<img" in content.lower() else None
        for element in () if tree is None else tree.iter("img"):
            location = to_location(element, None, self._figures)
            if location is not None:
                self._add(location, find_caption(element), to_alt_text(element), start_char)

    def _add_image(self, token: Token, start_char: int) -> None:
        title = token.attrs.get("title")
        location = str(token.attrs.get("src") or "")
        alt_text = "".join(child.content for child in token.children or ())
        self._add(location, str(title) if title else None, alt_text, start_char)

    def _add(
        self, location: str, caption: str | None, alt_text: str | None, start_char: int
    ) -> None:
        numbered = _NUMBERED.fullmatch(location)
        if numbered and int(numbered[1]) < len(self._images):
            location = self._images[int(numbered[1])]
        self._figures.add_link(location, caption=caption, alt_text=alt_text, start_char=start_char)
