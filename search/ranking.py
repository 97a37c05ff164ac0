"""Points of a store -> hits of an answer. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any, Protocol

from schemas.collection import from_payload
from schemas.query import Hit
from schemas.records import Modality
from search.snippet import to_snippet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schemas.records import Chunk


class ScoredPoint(Protocol):
    """What a store answers with; ``qdrant_client.models.ScoredPoint`` is one."""

    @property
    def id(self) -> object:
        """The point's id; written as text into the hit."""

    @property
    def score(self) -> float:
        """Cosine to the query; higher is nearer."""

    @property
    def payload(self) -> Mapping[str, Any] | None:
        """The chunk, as :func:`schemas.collection.to_payload` wrote it."""


def to_hits(points: Iterable[ScoredPoint], query_text: str | None = None) -> tuple[Hit, ...]:
    """Hits in order of falling score, equal scores by point id, ranked from 1.

    Args:
        points: Points of one modality (scores of different ones are not comparable).
        query_text: The query's words, to choose the snippets by.
    """
    ordered = sorted(points, key=lambda point: (-point.score, str(point.id)))
    return tuple(_to_hit(point, rank, query_text) for rank, point in enumerate(ordered, start=1))


def interleave(answers: Sequence[Sequence[Hit]], top_k: int) -> tuple[Hit, ...]:
    """All first hits, then all second ones, and so on, ranked anew and cut at ``top_k``.

    Within a rank the hits stand in the order of ``answers``; a shorter answer simply runs out.
    """
    in_turn = chain.from_iterable(zip_longest(*answers))
    merged = islice((hit for hit in in_turn if hit is not None), top_k)
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(merged, start=1))


def _to_hit(point: ScoredPoint, rank: int, query_text: str | None) -> Hit:
    chunk = from_payload(point.payload or {})
    return Hit(
        rank=rank,
        # Sums of float32 products can leave the interval by a few units in the last place.
        score=min(1.0, max(-1.0, point.score)),
        point_id=str(point.id),
        source_uri=chunk.record.source_uri,
        location=chunk.record.location,
        modality=chunk.modality,
        media_type=chunk.record.media_type,
        part=chunk.part,
        title=chunk.title,
        snippet=to_snippet(_to_words(chunk), query_text) or None,
        caption=chunk.caption,
        alt_text=chunk.alt_text,
        headings=chunk.headings,
        keywords=chunk.keywords,
        page=chunk.page,
        frame=chunk.frame,
        start_char=chunk.start_char,
        end_char=chunk.end_char,
        chunk_ordinal=chunk.ordinal,
        chunk_count=chunk.count,
        width_pixels=chunk.width_pixels,
        height_pixels=chunk.height_pixels,
        taken_at=chunk.taken_at,
        created_at=chunk.created_at,
        language=chunk.language,
        metadata=chunk.record.metadata,
    )


def _to_words(chunk: Chunk) -> str:
    """A text's own words; of an image those that stand with it."""
    if chunk.modality is Modality.TEXT:
        return chunk.text
    return chunk.caption or chunk.alt_text or chunk.ocr_text or ""
