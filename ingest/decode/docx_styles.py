"""What the styles of a Word document say of its paragraphs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_HEADING = re.compile(r"heading (\d)")
"""Word writes the names of its own styles in English, whatever language shows them."""

_MAX_OUTLINE = 8
"""Outline levels count from 0; 9 is body text (ECMA-376-1, 17.3.1.20)."""

_MAX_ANCESTORS = 20


class Styles:
    """Looks up paragraphs' styles, each once."""

    def __init__(self, root: etree._Element) -> None:
        """Index the styles by their ids.

        Args:
            root: The document's ``w:styles``.
        """
        self._styles = {style.get(f"{W}styleId"): style for style in root.iterfind(f"{W}style")}
        self._levels: dict[str, int | None] = {}

    def to_level(self, paragraph: etree._Element) -> int | None:
        """Level of a heading, from 1; None for any other paragraph."""
        properties = paragraph.find(f"{W}pPr")
        if properties is None:
            return None
        own = _to_outline_level(properties)
        if own is not None:
            return own
        style_id = _to_style_id(properties)
        if style_id not in self._levels:
            self._levels[style_id] = self._find_level(style_id)
        return self._levels[style_id]

    def to_name(self, paragraph: etree._Element) -> str:
        """Lower-case name of a paragraph's style; empty for the default one."""
        properties = paragraph.find(f"{W}pPr")
        style_id = "" if properties is None else _to_style_id(properties)
        return self._to_style_name(style_id)

    def is_list_item(self, paragraph: etree._Element) -> bool:
        """Whether a paragraph is an item of a list."""
        is_numbered = paragraph.find(f"{W}pPr/{W}numPr") is not None
        return is_numbered or self.to_name(paragraph).startswith("list")

    def _find_level(self, style_id: str) -> int | None:
        """By a style's name, else by its outline level, else by those of what it is based on."""
        for _ in range(_MAX_ANCESTORS):
            if match := _HEADING.match(self._to_style_name(style_id)):
                return int(match[1])
            style = self._styles.get(style_id)
            properties = None if style is None else style.find(f"{W}pPr")
            level = None if properties is None else _to_outline_level(properties)
            base = None if style is None else style.find(f"{W}basedOn")
            if level is not None or base is None:
                return level
            style_id = base.get(f"{W}val", "")
        return None

    def _to_style_name(self, style_id: str) -> str:
        style = self._styles.get(style_id)
        name = None if style is None else style.find(f"{W}name")
        return style_id.lower() if name is None else name.get(f"{W}val", "").lower()


def _to_style_id(properties: etree._Element) -> str:
    style = properties.find(f"{W}pStyle")
    return "" if style is None else style.get(f"{W}val", "")


def _to_outline_level(properties: etree._Element) -> int | None:
    outline = properties.find(f"{W}outlineLvl")
    value = "" if outline is None else outline.get(f"{W}val", "")
    return int(value) + 1 if value.isdecimal() and int(value) <= _MAX_OUTLINE else None
