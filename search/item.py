"""What a collection knows of one of its points, and of the item it belongs to."""

from __future__ import annotations

# At run time: the HTTP API's models are made from these annotations.
from collections.abc import Mapping  # noqa: TC003
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from schemas.collection import from_payload, source_filter
from schemas.errors import PointMissing
from schemas.payload_indexes import TAGS
from schemas.records import Modality, Part, Place

if TYPE_CHECKING:
    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from search.generation import Generation

MOST_PARTS: Final = 1_000
"""Points of an item that are named."""

_SAID: Final = (
    "title",
    "caption",
    "alt_text",
    "ocr_text",
    "headings",
    "keywords",
    "page",
    "frame",
    "start_char",
    "end_char",
    "width_pixels",
    "height_pixels",
    "taken_at",
    "place",
    "created_at",
    "language",
    "content_hash",
)
"""Fields of a chunk that an answer takes over."""


@dataclass(frozen=True, slots=True)
class ItemPart:
    """A point of an item.

    Attributes:
        point_id: Which.
        modality: What it is.
        part: Which part of its item: the item itself, a caption, a figure.
        chunk_ordinal: Its place in the item, from 0.
        page: Page it begins on, from 1, for paged documents.
    """

    point_id: str
    modality: Modality
    part: Part
    chunk_ordinal: int
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A point; the fields are those of :class:`schemas.answer.Hit`, without what a query says.

    Attributes:
        point_id: The point.
        source_uri: The item it belongs to.
        location: Where the item was when it was indexed.
        modality: What the point is.
        media_type: Of the item.
        part: Which part of its item it is.
        size_bytes: Of the item; 0 where its source did not know.
        text: Of a passage, whole.
        title: Title of the item.
        caption: An image's caption.
        alt_text: A figure's description for those who cannot see it.
        ocr_text: Words that can be read in an image.
        headings: Those it stands under, outermost first.
        keywords: Of a photograph, by its own metadata.
        page: From 1, for paged documents.
        frame: Of an animation or a multi-page image, from 1.
        start_char: Where it begins in the document's normalised text.
        end_char: Where it ends, exclusive.
        chunk_ordinal: Which chunk of the item, from 0.
        chunk_count: How many chunks the item has.
        width_pixels: Of an image, as displayed.
        height_pixels: Likewise.
        taken_at: When a photograph was taken, ISO 8601.
        place: Where a photograph was taken, in degrees.
        created_at: When a document was made, ISO 8601.
        modified_at: When the item was last modified, ISO 8601, UTC.
        language: Of a document, as a BCP 47 tag.
        content_hash: Of the item's bytes, with the algorithm before it.
        tags: Labels that ``diptych tag`` gave an image.
        metadata: The user's own fields.
        parts: All points of the item in its order, this one too; the first thousand.
    """

    point_id: str
    source_uri: str
    location: str
    modality: Modality
    media_type: str
    part: Part = Part.CONTENT
    size_bytes: int = 0
    text: str | None = None
    title: str | None = None
    caption: str | None = None
    alt_text: str | None = None
    ocr_text: str | None = None
    headings: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    page: int | None = None
    frame: int | None = None
    start_char: int | None = None
    end_char: int | None = None
    chunk_ordinal: int = 0
    chunk_count: int = 1
    width_pixels: int | None = None
    height_pixels: int | None = None
    taken_at: str | None = None
    place: Place | None = None
    created_at: str | None = None
    modified_at: str | None = None
    language: str | None = None
    content_hash: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[ItemPart, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict without the keys that do not apply."""
        fields = {**asdict(self), "modality": str(self.modality), "part": str(self.part)}
        kept = {key: value for key, value in fields.items() if value not in (None, {}, ())}
        kept["parts"] = [
            {key: value for key, value in one.items() if value is not None}
            for one in fields["parts"]
        ]
        return kept


@dataclass(frozen=True, slots=True)
class ItemRequest:
    """What :meth:`search.searcher.Searcher.item` was called with.

    Attributes:
        point_id: Of a hit.
    """

    point_id: str

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What must be encoded: nothing."""
        return ()

    def ask(self, engine: Engine, generation: Generation) -> Item:
        """Read the point and the others of its item.

        Raises:
            CollectionMissing: The store no longer has the generation.
            PointMissing: It has no such point.
            StoreError: The store failed.
        """
        name = generation.collection.name
        payload = _read_payload(engine, name, self.point_id)
        chunk = from_payload(payload)
        return Item(
            point_id=str(UUID(self.point_id)),
            source_uri=chunk.record.source_uri,
            location=chunk.record.location,
            modality=chunk.modality,
            media_type=chunk.record.media_type,
            part=chunk.part,
            size_bytes=chunk.record.size_bytes,
            text=chunk.text or None,
            chunk_ordinal=chunk.ordinal,
            chunk_count=chunk.count,
            modified_at=payload.get("modified_at"),
            tags=tuple(payload.get(TAGS, ())),
            metadata=chunk.record.metadata,
            parts=_read_parts(engine, name, chunk),
            **{name: getattr(chunk, name) for name in _SAID},
        )


def _read_payload(engine: Engine, generation: str, point_id: str) -> Mapping[str, Any]:
    try:
        points = engine.retrieve(generation, [str(UUID(point_id))])
    except ValueError:
        points = []
    if not points:
        raise PointMissing(f"{point_id!r:.100} is no point of the collection; search again")
    return points[0].payload or {}


def _read_parts(engine: Engine, generation: str, chunk: Chunk) -> tuple[ItemPart, ...]:
    points, _ = engine.scroll(
        generation,
        source_filter(chunk.record.source_uri),
        limit=MOST_PARTS,
        with_payload=["modality", "part", "chunk_ordinal", "page"],
    )
    parts = [_to_part(str(point.id), point.payload or {}) for point in points]
    return tuple(sorted(parts, key=lambda one: one.chunk_ordinal))


def _to_part(point_id: str, payload: Mapping[str, Any]) -> ItemPart:
    return ItemPart(
        point_id=point_id,
        modality=Modality(payload["modality"]),
        part=Part(payload.get("part", Part.CONTENT)),
        chunk_ordinal=payload["chunk_ordinal"],
        page=payload.get("page"),
    )
