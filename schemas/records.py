"""What goes in: records (source items), chunks (points-to-be) and batches.

All of these describe; none holds pixels except :class:`Batch`, which lives only between decoding
and encoding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL.Image import Image


class Modality(StrEnum):
    """The two panels: what kind of content a point stands for."""

    IMAGE = "image"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Record:
    """One source item, as its source lists it: nothing of it has been read yet.

    Attributes:
        source_uri: Canonical identity, stable across runs and machines:
            ``folder://ROOT/percent-encoded/relative/path``.
        root: Name of the root it was listed under.
        location: Where to read it now: an absolute path.
        media_type: By file name, e.g. ``image/jpeg``; decoding checks the bytes.
        modality: What its chunks will be.
        size_bytes: Size when listed, in bytes.
        modified_ns: Modification time when listed, in nanoseconds since the epoch; fits 64 bits
            (the years 1677 to 2262).
        metadata: The user's own fields; kept in the payload under one key.

    Raises:
        ValueError: An identity field is empty or a number is negative.
    """

    source_uri: str
    root: str
    location: str
    media_type: str
    modality: Modality
    size_bytes: int
    modified_ns: int
    metadata: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could never be found again."""
        if not (self.source_uri and self.root and self.location):
            msg = f"a record needs a source_uri, a root and a location: {self!r}"
            raise ValueError(msg)
        if self.size_bytes < 0:
            msg = f"{self.source_uri}: size_bytes is negative ({self.size_bytes})"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One point-to-be: a piece of a record with all that its payload will say, not yet encoded.

    Attributes:
        record: The item it comes from.
        ordinal: Its position in the item, from 0; with the source URI it is the point's identity.
        count: How many chunks the item has.
        content_hash: Hash of the item's bytes with its algorithm: ``blake3:<hex>``.
        text: A text chunk's own text, exactly as encoded; empty for an image.
        title: Title of the item, where it has one.
        page: Page the chunk begins on, from 1, for paged documents.
        start_char: Offset of ``text`` in the item's normalised text (``page`` does not reset it).
        end_char: End offset, exclusive.
        width_pixels: Of the image as displayed (orientation applied), before any down-scaling.
        height_pixels: Likewise.
        taken_at: When a photograph was taken, ISO 8601, from EXIF.

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
        """The modality of the record."""
        return self.record.modality

    def _check_text(self) -> None:
        if not self.text.strip():
            msg = f"{self.record.source_uri}#{self.ordinal}: a text chunk needs text"
            raise ValueError(msg)
        if self.start_char is None or self.end_char is None:
            return
        if self.end_char - self.start_char != len(self.text):
            msg = f"{self.record.source_uri}#{self.ordinal}: offsets do not span the text"
            raise ValueError(msg)


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
