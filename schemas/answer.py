"""What is answered: hits, and what they say of what was found."""

from __future__ import annotations

# At run time: the HTTP API's models are made from these annotations.
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from schemas.records import Modality, Part, Place
from schemas.target import Target  # noqa: TC001


@dataclass(frozen=True, slots=True)
class Highlight:
    """The sentence of a passage that is nearest to the query.

    Attributes:
        text: Its words, white space folded.
        score: Its own raw cosine to the query; often higher than its passage's.
        start: Where it begins in the passage's text, in characters.
        end: Where it ends, exclusive.
        start_char: Where it begins in the document's normalised text; None where the passage has
            no place there.
        end_char: Where it ends, exclusive.
    """

    text: str
    score: float
    start: int
    end: int
    start_char: int | None = None
    end_char: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """One of the passages of a hit's document.

    Attributes:
        score: Its raw cosine.
        point_id: The point, as in the collection.
        snippet: Its words, white space folded, cut; None for a figure without any.
        chunk_ordinal: Which chunk of the document, from 0.
        page: Page it begins on, from 1, for paged documents.
        start_char: Where it begins in the document's normalised text.
        end_char: Where it ends, exclusive.
        highlight: Its best sentence, where it was asked for.
    """

    score: float
    point_id: str
    snippet: str | None = None
    chunk_ordinal: int = 0
    page: int | None = None
    start_char: int | None = None
    end_char: int | None = None
    highlight: Highlight | None = None


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
        place: Where a photograph was taken, in degrees.
        created_at: When a document was made, ISO 8601, as far as it says.
        language: Of a document, as a BCP 47 tag.
        tags: Labels that ``diptych tag`` gave an image.
        metadata: The user's own fields.
        percentile: How many percent of unrelated pairs of this query's and this hit's modality
            have a lower calibrated score, up to 99.99; None where the collection is too small to
            tell.
        rerank_score: What the model of ``rerank`` says of the hit's words, on its own scale; None
            where it has none, or none were read.
        passages: The document's best passages, best first, where several were asked for.
        modified_at: When the item was last modified, ISO 8601, UTC, where its source knew.
        content_hash: Of the item's bytes, with the algorithm before it; of a caption of its text.
        highlight: The best sentence of a passage, where it was asked for.
        duplicates: Source URIs of the items that this hit stands for besides its own, best first,
            the first hundred.
        duplicate_count: How many hits it stands for besides itself; None where nobody looked.
        explanation: How the score came about, where it was asked for.
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
    place: Place | None = None
    created_at: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    percentile: float | None = None
    rerank_score: float | None = None
    passages: tuple[Passage, ...] = ()
    modified_at: str | None = None
    content_hash: str | None = None
    highlight: Highlight | None = None
    duplicates: tuple[str, ...] = ()
    duplicate_count: int | None = None
    explanation: Mapping[str, object] | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict without the keys that do not apply."""
        # Not asdict, which copies every value of forty fields: most of a served answer's cost.
        given = ((name, getattr(self, name)) for name in _HIT_FIELDS)
        said = {name: _to_plain(value) for name, value in given if value not in (None, {}, ())}
        return {**said, "modality": str(self.modality), "part": str(self.part)}


_HIT_FIELDS = tuple(one.name for one in fields(Hit))


def _to_plain(value: Any) -> Any:  # noqa: ANN401 - of any field
    if isinstance(value, tuple):
        return tuple(_to_plain(one) for one in value)
    if isinstance(value, Highlight | Passage | Place):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one query.

    Attributes:
        hits: Best first; ranks are 1, 2, 3, ...
        target: What was asked for.
        model_id: The model that encoded the query and the collection.
        collection: The concrete collection that answered.
        took_seconds: Wall time from the query to the hits.
        next_cursor: Continues the answer, as ``cursor`` of the same search; None after the end.
    """

    hits: tuple[Hit, ...]
    target: Target
    model_id: str
    collection: str
    took_seconds: float
    next_cursor: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "target": str(self.target),
            "model_id": self.model_id,
            "collection": self.collection,
            "took_seconds": round(self.took_seconds, 6),
            "hits": [hit.to_json() for hit in self.hits],
            **({"next_cursor": self.next_cursor} if self.next_cursor else {}),
        }
