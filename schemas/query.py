"""What is asked and what is answered."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from schemas.errors import EmptyQuery, QueryError
from schemas.records import Modality, Part, Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from PIL.Image import Image

    ImageSource: TypeAlias = "str | Path | bytes | Image"
    """An image as a path, as encoded bytes, or already opened."""


class Target(StrEnum):
    """Which modality is searched for.

    ``ANY`` asks each modality by itself and merges the answers by calibrated score: cosines of
    different modalities are not comparable (texts lie far nearer to texts than images do).
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
    """One thing one searches with: a text, an image or an indexed item, exactly one of them.

    Queries are put together with ``+``, ``-`` and ``*``:
    ``Query(image=photo) + Query(text="at night") - 0.5 * Query(text="in daylight")``.

    Attributes:
        text: Words.
        image: A path, encoded bytes or a Pillow image.
        item: Something in the collection, by its source URI or by a point's id. It is not among
            its own answers.

    Raises:
        EmptyQuery: None or several are given, or the one that is given is blank.
    """

    text: str | None = None
    image: ImageSource | None = None
    item: str | None = None

    def __post_init__(self) -> None:
        """A query has one content."""
        given = [one for one in (self.text, self.image, self.item) if one is not None]
        if len(given) != 1:
            msg = "a query is a text, an image or an indexed item: give exactly one of them"
            raise EmptyQuery(msg)
        if self.text is not None and not self.text.strip():
            msg = "the query text is blank: give at least one word"
            raise EmptyQuery(msg)
        if self.item is not None and not self.item.strip():
            msg = "the query item is blank: give the source URI or the point id of a hit"
            raise EmptyQuery(msg)

    @property
    def modality(self) -> Modality | None:
        """What the query itself is; None for an indexed item, which the collection knows."""
        if self.item is not None:
            return None
        return Modality.TEXT if self.text is not None else Modality.IMAGE

    def __add__(self, other: Query | Composition) -> Composition:
        """This and the other."""
        return 1.0 * self + other

    def __sub__(self, other: Query | Composition) -> Composition:
        """This and not the other."""
        return 1.0 * self - other

    def __mul__(self, weight: float) -> Composition:
        """This with a weight."""
        return Composition((Term(self, weight),))

    __rmul__ = __mul__


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a composition.

    Attributes:
        query: What.
        weight: How much; below 0 for what is not wanted.

    Raises:
        QueryError: The weight is 0 or not finite.
    """

    query: Query
    weight: float = 1.0

    def __post_init__(self) -> None:
        """A weight of 0 would be a mistake that nobody sees."""
        if not math.isfinite(self.weight) or self.weight == 0:
            msg = f"a weight is a finite number other than 0, not {self.weight!r}"
            raise QueryError(msg)


@dataclass(frozen=True, slots=True)
class Composition:
    """Several queries as one: the weighted sum of their unit vectors, scaled to unit length.

    Attributes:
        terms: At least one, and one with a weight above 0.

    Raises:
        EmptyQuery: There is none.
    """

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        """Something must be looked for."""
        if not self.terms:
            msg = "the query has no part: give a text, an image or an indexed item"
            raise EmptyQuery(msg)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Those that must be encoded, without repetition."""
        found = (term.query.modality for term in self.terms)
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def __add__(self, other: Query | Composition) -> Composition:
        """This and the other."""
        return Composition((*self.terms, *_to_terms(other)))

    def __sub__(self, other: Query | Composition) -> Composition:
        """This and not the other."""
        return self + -1.0 * other

    def __mul__(self, weight: float) -> Composition:
        """This with every weight multiplied."""
        return Composition(tuple(Term(one.query, weight * one.weight) for one in self.terms))

    __rmul__ = __mul__


def _to_terms(query: Query | Composition) -> tuple[Term, ...]:
    return (Term(query),) if isinstance(query, Query) else query.terms


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
    """

    score: float
    point_id: str
    snippet: str | None = None
    chunk_ordinal: int = 0
    page: int | None = None
    start_char: int | None = None
    end_char: int | None = None


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
    explanation: Mapping[str, object] | None = None

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
