"""Answers as the content of a tool's result: words and pictures for whoever reads them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from mcp.types import ImageContent, TextContent

from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.query import Hit, Page
    from search.server.mcp_item import Item
    from search.thumbnail import Thumbnail

Content = TextContent | ImageContent

_LONGEST_WORDS: Final = 600
"""Characters of a caption or passage beside a hit; all of it is in the structured answer."""


def to_page_content(page: Page, pictures: Mapping[str, Thumbnail]) -> list[Content]:
    """A line or two a hit, each before its picture.

    Args:
        page: The answer.
        pictures: Thumbnails by point id.
    """
    if not page.hits:
        return [TextContent(text="Nothing was found that meets this.")]
    content: list[Content] = []
    for hit in page.hits:
        content.append(TextContent(text=_to_words(hit)))
        if hit.point_id in pictures:
            content.append(to_image_content(pictures[hit.point_id]))
    if page.next_cursor:
        content.append(TextContent(text=f"There is more: cursor={page.next_cursor}"))
    return content


def to_item_content(item: Item, picture: Thumbnail | None) -> list[Content]:
    """What is known of an item, its picture, and its text."""
    said = item.to_json()
    text = said.pop("text", None)
    facts = "\n".join(f"{name}: {value}" for name, value in said.items())
    content: list[Content] = [TextContent(text=facts)]
    if picture is not None:
        content.append(to_image_content(picture))
    if text:
        content.append(TextContent(text=text))
    return content


def to_image_content(picture: Thumbnail) -> ImageContent:
    """A thumbnail as content."""
    data = base64.b64encode(picture.content).decode()
    return ImageContent(data=data, mime_type=picture.media_type)


def pictured(hits: Sequence[Hit], most: int) -> list[str]:
    """The points of the first so many images among hits."""
    images = [hit.point_id for hit in hits if hit.modality is Modality.IMAGE]
    return images[:most]


def _to_words(hit: Hit) -> str:
    name = hit.title or hit.source_uri.rpartition("/")[2]
    where = f", page {hit.page}" if hit.page else ""
    how_near = f"{hit.score:.3f}"
    if hit.percentile is not None:
        how_near += f", nearer than {hit.percentile:g} % of unrelated items"
    lines = [
        f"{hit.rank}. {hit.modality}: {name}{where} (cosine {how_near})",
        f"point_id: {hit.point_id}",
        f"source_uri: {hit.source_uri}",
    ]
    if hit.snippet:
        lines.append(_cut(hit.snippet))
    return "\n".join(lines)


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST_WORDS else words[: _LONGEST_WORDS - 1] + "…"
