"""What goes in: records (source items), chunks (points-to-be) and batches.

All of these describe; none holds pixels except :class:`Batch`, which lives only between decoding
and encoding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image


class Modality(StrEnum):
    """The two panels: what kind of content a point stands for."""

    IMAGE = "image"
    TEXT = "text"


class Part(StrEnum):
    """Which part of its record a chunk is."""

    CONTENT = "content"
    """The record's own content: an image, or a passage of a document."""

    CAPTION = "caption"
    """A passage of the caption that came with an image."""

    FIGURE = "figure"
    """An image inside a document."""


@dataclass(frozen=True, slots=True)
class Record:
    """One source item, as its source lists it: nothing of it has been read yet.

    Attributes:
        source_uri: Canonical identity, stable across runs and machines:
            ``SCHEME://ROOT/percent-encoded/path``, see :mod:`ingest.sources.uris`.
        root: Name of the root it was listed under.
        location: Where to read it now: an absolute path, a URL, or where in a file it stands.
        media_type: By name, e.g. ``image/jpeg``; decoding checks the bytes.
        modality: What its content is; a caption or a figure of it is another.
        size_bytes: Size when listed, in bytes; 0 where the source does not know.
        modified_ns: Modification time when listed, in nanoseconds since the epoch; fits 64 bits
            (the years 1677 to 2262). None where the source does not know.
        metadata: The user's own fields; kept in the payload under one key.
        title: As the source says it; a document's own title stands behind it.
        caption: Words that came with an image; they become text chunks beside it.
        content: The bytes, where listing had to read them (a row, a member of an archive);
            otherwise None, and the source reads them when they are needed.
        vector: Made elsewhere, in the same embedding space; nothing is encoded then.
        stamp: Changes whenever the bytes or anything else that the listing says of the item change,
            its location aside: a later listing with the same stamp needs no reading. For a file
            ``size:mtime_ns:ctime_ns:inode``. None where the source cannot promise that, or not yet.

    Raises:
        ValueError: An identity field is empty or a number is negative.
    """

    source_uri: str
    root: str
    location: str
    media_type: str
    modality: Modality
    size_bytes: int = 0
    modified_ns: int | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    title: str | None = None
    caption: str | None = None
    content: bytes | None = field(default=None, repr=False)
    vector: Sequence[float] | None = field(default=None, repr=False, compare=False)
    stamp: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse what could never be found again."""
        if not (self.source_uri and self.root and self.location):
            msg = f"a record needs a source_uri, a root and a location: {self!r}"
            raise ValueError(msg)
        if self.size_bytes < 0:
            msg = f"{self.source_uri}: size_bytes is negative ({self.size_bytes})"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the Earth, WGS 84.

    Attributes:
        latitude: Degrees north, from -90 to 90.
        longitude: Degrees east, from -180 to 180.

    Raises:
        ValueError: It is not on the Earth.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        """Refuse what a store would refuse, or never find."""
        if not (abs(self.latitude) <= 90 and abs(self.longitude) <= 180):  # noqa: PLR2004 - a pole
            msg = f"{self.latitude}, {self.longitude} is no place on the Earth"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One point-to-be: a piece of a record with all that its payload will say, not yet encoded.

    Attributes:
        record: The item it comes from.
        ordinal: Its position in the item, from 0; with the source URI it is the point's identity.
        count: How many chunks the item has.
        content_hash: Hash of the item's bytes with its algorithm: ``blake3:<hex>``; for a caption
            that of its text, for a figure that of the document.
        part: Which part of the item it is.
        text: A text chunk's own text, exactly as encoded; empty for an image.
        title: Title of the item, where it has one.
        page: Page the chunk begins on, from 1, for paged documents.
        start_char: Offset of ``text`` in the item's normalised text (``page`` does not reset it).
        end_char: End offset, exclusive.
        width_pixels: Of the image as displayed (orientation applied), before any down-scaling.
        height_pixels: Likewise.
        taken_at: When a photograph was taken, ISO 8601, by its own metadata.
        place: Where a photograph was taken, by its own metadata.
        caption: An image's caption, from its file, its document or its source.
        alt_text: A figure's description for those who cannot see it.
        keywords: Of a photograph, by its own metadata.
        headings: Those a passage or figure stands under, outermost first.
        language: Of a document, as a BCP 47 tag.
        created_at: When a document was made, ISO 8601, as far as it says.
        ocr_text: Words that can be read in an image.
        frame: Of an animation or a multi-page image, from 1; None where there is but one.
        token_count: Of a text chunk, in the encoder's own tokens without special ones.
        paired_ordinals: The chunks of the same item that say the same in the other modality: an
            image's caption, a caption's image.

    Raises:
        ValueError: The ordinal is outside 0..count-1, a text chunk has no text, or the offsets do
            not span the text.
    """

    record: Record
    ordinal: int
    count: int
    content_hash: str
    text: str = ""
    title: str | None = None
    page: int | None = None
    start_char: int | None = None
    end_char: int | None = None
    width_pixels: int | None = None
    height_pixels: int | None = None
    taken_at: str | None = None
    part: Part = Part.CONTENT
    caption: str | None = None
    alt_text: str | None = None
    keywords: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    language: str | None = None
    created_at: str | None = None
    ocr_text: str | None = None
    frame: int | None = None
    token_count: int | None = None
    paired_ordinals: tuple[int, ...] = ()
    place: Place | None = None

    def __post_init__(self) -> None:
        """Check what the payload's readers rely on."""
        if not 0 <= self.ordinal < self.count:
            msg = f"{self.record.source_uri}: chunk {self.ordinal} of {self.count}"
            raise ValueError(msg)
        if ":" not in self.content_hash:
            msg = f"{self.record.source_uri}: content_hash needs its algorithm as a prefix"
            raise ValueError(msg)
        if self.modality is Modality.TEXT:
            self._check_text()

    @property
    def modality(self) -> Modality:
        """What the chunk itself is, whatever its record."""
        return _MODALITY_OF_PART.get(self.part, self.record.modality)

    def _check_text(self) -> None:
        if not self.text.strip():
            msg = f"{self.record.source_uri}#{self.ordinal}: a text chunk needs text"
            raise ValueError(msg)
        if self.start_char is None or self.end_char is None:
            return
        if self.end_char - self.start_char != len(self.text):
            msg = f"{self.record.source_uri}#{self.ordinal}: offsets do not span the text"
            raise ValueError(msg)


_MODALITY_OF_PART = {Part.CAPTION: Modality.TEXT, Part.FIGURE: Modality.IMAGE}


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks of one modality that are encoded in one call.

    Attributes:
        modality: Of every chunk in it.
        chunks: What becomes the points, in order.
        images: For images, one decoded RGB image a chunk, same order; empty for texts.

    Raises:
        ValueError: It is empty, mixes modalities, or images and chunks do not pair up.
    """

    modality: Modality
    chunks: tuple[Chunk, ...]
    images: tuple[Image, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what an encoder could not take in one call."""
        if not self.chunks or any(chunk.modality is not self.modality for chunk in self.chunks):
            msg = f"a batch needs chunks of one modality ({self.modality})"
            raise ValueError(msg)
        expected = len(self.chunks) if self.modality is Modality.IMAGE else 0
        if len(self.images) != expected:
            msg = f"{len(self.images)} images for {len(self.chunks)} {self.modality} chunks"
            raise ValueError(msg)

    @property
    def texts(self) -> list[str]:
        """The chunks' texts, in order."""
        return [chunk.text for chunk in self.chunks]
