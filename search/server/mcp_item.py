"""An item as the MCP server shows it: what the index knows of it, and its text in parts.

The layout of payloads is imported when it is read: tools are described without a Qdrant client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from schemas.errors import QueryError
from schemas.records import Modality, Part, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingest.store.engine import Engine
    from schemas.records import Chunk

MOST_CHARACTERS: Final = 20_000
"""Of a document's text in one answer, about 5,000 tokens; the passage that fills it is whole."""

_CHUNKS_AT_ONCE: Final = 32

_FIELDS: Final = (
    *("modality", "part", "title", "caption", "alt_text", "ocr_text", "headings", "keywords"),
    *("page", "width_pixels", "height_pixels", "taken_at", "place", "created_at", "language"),
)
"""Of a chunk, that are said as they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What the index knows of an item.

    Attributes:
        point_id: The point that was named, or the item's first.
        source_uri: The item.
        location: Where it was when it was indexed.
        media_type: Of the item.
        modality: Of the point.
        part: Which part of the item the point is.
        title: Of the item.
        caption: An image's caption.
        alt_text: A figure's description for those who cannot see it.
        ocr_text: Words that can be read in an image.
        headings: Those a passage or figure stands under, outermost first.
        keywords: Of a photograph.
        page: Page of the point, from 1.
        width_pixels: Of an image.
        height_pixels: Likewise.
        taken_at: When a photograph was taken, ISO 8601.
        place: Where, in degrees.
        created_at: When a document was made.
        language: Of a document, as a BCP 47 tag.
        tags: Labels given to an image.
        metadata: The user's own fields.
        text: Of a document, from the named passage on.
        next_chunk: ``chunk`` of the call that reads on; None after the end.
    """

    point_id: str
    source_uri: str
    location: str
    media_type: str
    modality: Modality
    part: Part
    title: str | None = None
    caption: str | None = None
    alt_text: str | None = None
    ocr_text: str | None = None
    headings: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    page: int | None = None
    width_pixels: int | None = None
    height_pixels: int | None = None
    taken_at: str | None = None
    place: Place | None = None
    created_at: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None
    text: str | None = None
    next_chunk: int | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict without the keys that do not apply."""
        fields = {**asdict(self), "modality": str(self.modality), "part": str(self.part)}
        return {key: value for key, value in fields.items() if value not in (None, {}, ())}


def read_item(engine: Engine, collection: str, name: str, *, from_chunk: int | None = None) -> Item:
    """An item by a point's id or by its source URI.

    Args:
        engine: The store.
        collection: The concrete collection.
        name: As a hit gives it.
        from_chunk: Where its text begins; None for the named passage, of a source URI the first.

    Raises:
        QueryError: The collection has neither.
        StoreError: The store failed.
    """
    from schemas.collection import from_payload
    from schemas.payload_indexes import TAGS

    point_id, payload = _read_payload(engine, collection, name)
    chunk = from_payload(payload)
    is_image = chunk.record.modality is Modality.IMAGE
    first = chunk.ordinal if from_chunk is None else from_chunk
    text, following = (
        (None, None) if is_image else _join(_iter_passages(engine, collection, chunk, first))
    )
    return Item(
        point_id=point_id,
        source_uri=chunk.record.source_uri,
        location=chunk.record.location,
        media_type=chunk.record.media_type,
        tags=tuple(payload.get(TAGS, ())),
        metadata=chunk.record.metadata,
        text=text,
        next_chunk=following,
        **{field: getattr(chunk, field) for field in _FIELDS},
    )


def _read_payload(engine: Engine, collection: str, name: str) -> tuple[str, Mapping[str, Any]]:
    from schemas.collection import source_filter, to_point_id

    try:
        found = engine.retrieve(collection, [str(UUID(name))])
    except ValueError:
        found = engine.retrieve(collection, [to_point_id(name, 0)])
        found = found or engine.scroll(collection, source_filter(name), limit=1)[0]
    if not found:
        raise QueryError(
            f"{name!r} is not in the collection: give a hit's source_uri or point_id as it stands"
        )
    return str(found[0].id), found[0].payload or {}


def _iter_passages(engine: Engine, collection: str, chunk: Chunk, first: int) -> Iterator[Chunk]:
    """The passages of the chunk's document in order, read as they are asked for."""
    from schemas.collection import from_payload, to_point_id

    uri = chunk.record.source_uri
    for start in range(first, chunk.count, _CHUNKS_AT_ONCE):
        ordinals = range(start, min(start + _CHUNKS_AT_ONCE, chunk.count))
        points = engine.retrieve(collection, [to_point_id(uri, one) for one in ordinals])
        chunks = [from_payload(point.payload or {}) for point in points]
        passages = [one for one in chunks if one.part is Part.CONTENT]
        yield from sorted(passages, key=lambda one: one.ordinal)


def _join(passages: Iterable[Chunk]) -> tuple[str, int | None]:
    """Their text, what neighbours share only once, and the ordinal of the first that is left."""
    text, end = "", None
    for one in passages:
        if len(text) >= MOST_CHARACTERS:
            return text, one.ordinal
        shared = 0 if end is None or one.start_char is None else end - one.start_char
        text += one.text[shared:] if shared > 0 else ("\n\n" if text else "") + one.text
        end = one.end_char
    return text, None
