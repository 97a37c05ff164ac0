"""One item as its page shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.records import Modality, Part
from search.item import Item
from search.server.page.cards import to_file_name, to_type_name
from search.server.page.facet_groups import to_label
from search.server.page.wording import to_bytes, to_day, to_number

LARGE_SIDE: Final = 1024
"""Pixels of the large picture: the largest that the server makes."""

MAX_VALUE_CHARACTERS: Final = 2_000
"""Of a field of the user's own; more is a document."""


@dataclass(frozen=True, slots=True)
class ItemView:
    """What the page says of an item.

    Attributes:
        item: As the collection knows it.
        title: Never empty.
        alt: Of its picture.
        file_name: Of the item.
        is_image: Whether the point is a picture.
        has_picture: Whether there is one to be shown.
        width: Of the large picture, in pixels; None where nobody knows.
        height: Likewise.
        rows: (name, value) of the table.
        before: Point id of the passage before this one.
        after: Point id of the passage after it.
    """

    item: Item
    title: str
    alt: str
    file_name: str
    is_image: bool
    has_picture: bool
    width: int | None
    height: int | None
    rows: tuple[tuple[str, str], ...]
    before: str | None
    after: str | None

    @property
    def map_url(self) -> str | None:
        """Where it was taken, as RFC 5870 writes it: the system's own maps open it."""
        place = self.item.place
        return None if place is None else f"geo:{place.latitude:.6f},{place.longitude:.6f}"


def to_item_view(item: Item) -> ItemView:
    """The view of an item."""
    file_name = to_file_name(item.source_uri)
    is_image = item.modality is Modality.IMAGE
    title = item.title or file_name
    width, height = _to_large(item.width_pixels, item.height_pixels)
    before, after = _find_neighbours(item)
    return ItemView(
        item=item,
        title=title,
        alt=item.alt_text or item.caption or title,
        file_name=file_name,
        is_image=is_image,
        has_picture=is_image or item.part is Part.CAPTION or item.media_type == "application/pdf",
        width=width,
        height=height,
        rows=tuple(_iter_rows(item, file_name)),
        before=before,
        after=after,
    )


def _to_large(width: int | None, height: int | None) -> tuple[int | None, int | None]:
    if not (width and height):
        return None, None
    scale = min(1.0, LARGE_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _iter_rows(item: Item, file_name: str) -> list[tuple[str, str]]:
    place = item.place
    known: list[tuple[str, object]] = [
        ("File", file_name),
        ("Kind", to_type_name(item.media_type)),
        ("Size", to_bytes(item.size_bytes) if item.size_bytes else None),
        ("Dimensions", _to_dimensions(item)),
        ("Page", item.page),
        ("Frame", item.frame),
        ("Taken", to_day(item.taken_at) if item.taken_at else None),
        ("Place", f"{place.latitude:.5f}, {place.longitude:.5f}" if place else None),
        ("Created", to_day(item.created_at) if item.created_at else None),
        ("Modified", to_day(item.modified_at) if item.modified_at else None),
        ("Language", to_label("language", item.language) if item.language else None),
        ("Keywords", ", ".join(item.keywords) or None),
        ("Tags", ", ".join(item.tags) or None),
        ("Words in it", item.ocr_text),
        ("Passage", f"{item.chunk_ordinal + 1} of {item.chunk_count}" if item.text else None),
        *((str(name), value) for name, value in item.metadata.items()),
        ("Address", item.source_uri),
    ]
    return [(name, str(value)[:MAX_VALUE_CHARACTERS]) for name, value in known if value is not None]


def _to_dimensions(item: Item) -> str | None:
    if not (item.width_pixels and item.height_pixels):
        return None
    return f"{to_number(item.width_pixels)} × {to_number(item.height_pixels)} pixels"  # noqa: RUF001 - the sign of multiplication


def _find_neighbours(item: Item) -> tuple[str | None, str | None]:
    """The passages beside a passage."""
    if item.modality is not Modality.TEXT:
        return None, None
    passages = [one for one in item.parts if one.modality is Modality.TEXT]
    ids = [one.point_id for one in passages]
    if item.point_id not in ids:
        return None, None
    place = ids.index(item.point_id)
    return (ids[place - 1] if place else None), (ids[place + 1] if place + 1 < len(ids) else None)
