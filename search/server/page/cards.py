"""Hits as the page shows them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from schemas.query import Hit
from schemas.records import Modality, Part
from search.server.page.marks import Piece, mark_sentence, mark_words

THUMBNAIL_SIDE: Final = 384
"""Pixels; sharp at the width of a column on a screen of twice the density."""

MAX_ALT_CHARACTERS: Final = 200
"""A screen reader reads it all."""

TYPE_NAMES: Final = {
    "application/epub+zip": "EPUB",
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "image/jpeg": "JPEG",
    "text/csv": "CSV",
    "text/html": "HTML",
    "text/markdown": "Markdown",
    "text/plain": "Plain text",
}
"""Media type -> what people call it, where that is not its second half in capitals."""


@dataclass(frozen=True, slots=True)
class Card:
    """One hit on the page.

    Attributes:
        hit: As it was answered.
        title: What it is called, never empty.
        alt: What a picture of it shows, for those who cannot see it.
        pieces: The passage, with marks.
        where: Where in its document it stands: page, headings.
        picture_id: The point whose thumbnail is shown; None for none.
        width: Of the thumbnail, in pixels, at most :data:`THUMBNAIL_SIDE`.
        height: Likewise.
    """

    hit: Hit
    title: str
    alt: str
    pieces: tuple[Piece, ...]
    where: str
    picture_id: str | None
    width: int
    height: int

    @property
    def is_image(self) -> bool:
        """Which panel it belongs to."""
        return self.hit.modality is Modality.IMAGE

    @property
    def ratio(self) -> float:
        """Width of the picture by its height."""
        return self.width / self.height


def to_card(hit: Hit, query_text: str = "", picture_id: str | None = None) -> Card:
    """The card of a hit.

    Args:
        hit: What was found.
        query_text: The words that were looked for.
        picture_id: Of a text the figure that stands with it.
    """
    title = to_title(hit)
    width, height = to_size(hit.width_pixels, hit.height_pixels)
    is_image = hit.modality is Modality.IMAGE
    return Card(
        hit=hit,
        title=title,
        alt=_cut(hit.alt_text or hit.caption or title, MAX_ALT_CHARACTERS),
        pieces=tuple(_to_pieces(hit, query_text)),
        where=_to_where(hit),
        picture_id=hit.point_id if is_image else picture_id,
        width=width,
        height=height,
    )


def to_title(hit: Hit) -> str:
    """What a hit is called: its title, else the beginning of its caption, else its file's name."""
    spoken = hit.title or (hit.caption if hit.modality is Modality.IMAGE else None)
    return _cut(" ".join((spoken or "").split()), 120) or to_file_name(hit.source_uri)


def to_file_name(source_uri: str) -> str:
    """The last part of a URI, as people read it."""
    return PurePosixPath(unquote(urlsplit(source_uri).path)).name or unquote(source_uri)


def to_type_name(media_type: str) -> str:
    """What people call a media type."""
    return TYPE_NAMES.get(media_type) or media_type.partition("/")[2].removeprefix("x-").upper()


def to_size(width: int | None, height: int | None) -> tuple[int, int]:
    """The sides of a thumbnail, in pixels; those of a square where nobody knows."""
    if not (width and height and width > 0 and height > 0):
        return THUMBNAIL_SIDE, THUMBNAIL_SIDE
    scale = min(1.0, THUMBNAIL_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _to_pieces(hit: Hit, query_text: str) -> list[Piece]:
    passage = _drop_title(hit.snippet or "", hit.title or "")
    if hit.highlight is not None:
        sentence = _drop_title(hit.highlight.text, hit.title or "")
        pieces = mark_sentence(passage, sentence)
        if any(one.is_marked for one in pieces):
            return pieces
    return mark_words(passage, query_text)  # the best sentence may be the title


def _drop_title(passage: str, title: str) -> str:
    """Without the title, which stands above it already, unless its first sentence needs it."""
    rest = passage.removeprefix(title).lstrip() if title else passage
    return passage if not rest or rest[0].islower() else rest


def _to_where(hit: Hit) -> str:
    headings = [one for one in hit.headings if one != hit.title]
    part = ["Caption"] if hit.part is Part.CAPTION else []
    page = [f"Page {hit.page}"] if hit.page else []
    frame = [f"Frame {hit.frame}"] if hit.frame else []
    return " · ".join([*part, *page, *frame, *headings[-1:]])


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most].rpartition(' ')[0] or text[:most]}…"
