"""What is asked and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from schemas.errors import EmptyQuery
from schemas.records import Modality, Part

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    ImageSource: TypeAlias = "str | Path | bytes | Image"
    """An image as a path, as encoded bytes, or already opened."""

Scalar: TypeAlias = str | int | float | bool
"""A value that a payload field is compared with; dates are ISO 8601 strings."""

Where: TypeAlias = Mapping[str, Scalar | Sequence[Scalar] | Mapping[str, Scalar]]
"""Conditions that must all hold, by payload field.

A scalar means equality, a sequence "one of these", a mapping a range with the keys ``gt``,
``gte``, ``lt``, ``lte``. The user's own fields are written ``metadata.NAME``.
"""


class Target(StrEnum):
    """Which modality is searched for.

    ``ANY`` asks each modality by itself and interleaves the answers by rank: cosines of different
    modalities are not comparable (texts lie far nearer to texts than images do).
    """

    IMAGE = "image"
    TEXT = "text"
    ANY = "any"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities it stands for."""
        return tuple(Modality) if self is Target.ANY else (Modality(self.value),)


@dataclass(frozen=True, slots=True)
class Query:
    """What one searches with: a text or an image, exactly one of the two.

    Attributes:
        text: Words, when the query is a text.
        image: A path, encoded bytes or a Pillow image, when it is an image.

    Raises:
        EmptyQuery: Neither or both are given, or the text is blank.
    """

    text: str | None = None
    image: ImageSource | None = None

    def __post_init__(self) -> None:
        """A query has one content."""
        if (self.text is None) == (self.image is None):
            msg = "a query is either a text or an image: give exactly one of the two"
            raise EmptyQuery(msg)
        if self.text is not None and not self.text.strip():
            msg = "the query text is blank: give at least one word"
            raise EmptyQuery(msg)

    @property
    def modality(self) -> Modality:
        """What the query itself is."""
        return Modality.TEXT if self.text is not None else Modality.IMAGE


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer.

    Attributes:
        rank: Position in the answer, from 1.
        score: Raw cosine of the query's and the point's vectors, in [-1, 1]; higher is nearer.
        point_id: The point, as in the collection.
        source_uri: The item it belongs to.
        location: Where the item was when it was indexed.
        modality: What the hit is; always one that the target asked for.
        media_type: Of the item: ``application/pdf`` for a figure in a PDF.
        part: Which part of its item it is: the item itself, its caption, or a figure in it.
        title: Title of the item, where it has one.
        snippet: Of a text the passage that matched; of an image the words that stand with it: its
            caption, else its alt text, else what can be read in it. White space folded, cut.
        caption: An image's caption, whole.
        alt_text: A figure's description for those who cannot see it.
        headings: Those a passage or figure stands under, outermost first.
        keywords: Of a photograph, by its own metadata.
        page: Page the passage begins on or the figure stands on, from 1, for paged documents.
        frame: Of an animation or a multi-page image, from 1.
        start_char: Where the passage begins in the document's normalised text.
        end_char: Where it ends, exclusive.
        chunk_ordinal: Which chunk of the item, from 0.
        chunk_count: How many chunks the item has.
        width_pixels: Of an image, as displayed.
        height_pixels: Likewise.
        taken_at: When a photograph was taken, ISO 8601.
        created_at: When a document was made, ISO 8601, as far as it says.
        language: Of a document, as a BCP 47 tag.
        metadata: The user's own fields.
    """

    rank: int
    score: float
    point_id: str
    source_uri: str
    location: str
    modality: Modality
    media_type: str
    part: Part = Part.CONTENT
    title: str | None = None
    snippet: str | None = None
    caption: str | None = None
    alt_text: str | None = None
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
    created_at: str | None = None
    language: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict without the keys that do not apply."""
        fields = {**asdict(self), "modality": str(self.modality), "part": str(self.part)}
        return {key: value for key, value in fields.items() if value not in (None, {}, ())}


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one query.

    Attributes:
        hits: Best first; ranks are 1, 2, 3, ...
        target: What was asked for.
        model_id: The model that encoded the query and the collection.
        collection: The concrete collection that answered.
        took_seconds: Wall time from the query to the hits.
    """

    hits: tuple[Hit, ...]
    target: Target
    model_id: str
    collection: str
    took_seconds: float

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "target": str(self.target),
            "model_id": self.model_id,
            "collection": self.collection,
            "took_seconds": round(self.took_seconds, 6),
            "hits": [hit.to_json() for hit in self.hits],
        }
