"""The words of a row: what is a title, what a caption, and what is neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.decode.characters import to_title
from schemas.records import Modality

if TYPE_CHECKING:
    from ingest.sources.row_item import Item

_MAX_TITLE_CHARS = 300
"""Of a title; a longer one is cut, and a longer caption is none."""


def share_words(
    item: Item, modality: Modality, words: tuple[str | None, str | None, str | None]
) -> tuple[str | None, str | None, tuple[str, ...]]:
    """What the words of a row are for, now that its item is known.

    An image's caption is the caption or else the text. A text has none: its caption becomes its
    title, where it has no title and the caption is not too long for one.

    Args:
        item: The item.
        modality: Of the item.
        words: Those of the columns title, caption and text.

    Returns:
        The record's title and caption, and the roles whose words it has no use for.
    """
    title, caption, text = words
    if modality is Modality.IMAGE:
        return title, caption or text, ("text",) if caption and text else ()
    if item.role == "caption":
        return title, None, ()
    spare: tuple[str, ...] = ("text",) if text and item.role != "text" else ()
    if caption and not title and len(caption) <= _MAX_TITLE_CHARS:
        return caption, None, spare
    return title, None, ("caption", *spare) if caption else spare


def to_title_line(title: str) -> str | None:
    """The title on one line, as long as one may be."""
    if len(title) <= _MAX_TITLE_CHARS and title.isascii() and title.isprintable():
        return title  # nearly always
    return to_title(title, _MAX_TITLE_CHARS)
