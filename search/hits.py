"""Candidates -> hits: what a payload says, in the words of an answer. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from schemas.collection import from_payload
from schemas.payload_indexes import TAGS
from schemas.query import Hit, Passage
from schemas.records import Modality
from search.ranking import to_cosine
from search.snippet import to_snippet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qdrant_client import models

    from schemas.query import Highlight
    from schemas.records import Chunk
    from search.ranking import Candidate

MOST_DUPLICATES: Final = 100
"""Source URIs that a hit names; behind a blank page of a scanner there may be thousands."""


def to_hit(
    candidate: Candidate,
    rank: int,
    query_text: str | None = None,
    *,
    explanation: Mapping[str, object] | None = None,
    highlights: Mapping[str, Highlight] = MappingProxyType({}),
) -> Hit:
    """The hit of a candidate.

    Args:
        candidate: What was found.
        rank: Its place in the answer, from 1.
        query_text: The query's words, to choose the snippet by.
        explanation: How its score came about.
        highlights: The best sentence by point id, where it was looked for.
    """
    chunk = from_payload(candidate.point.payload or {})
    percentile = candidate.percentile
    is_several = len(candidate.passages) > 1
    highlight = highlights.get(candidate.point_id)
    return Hit(
        rank=rank,
        score=candidate.cosine,
        point_id=candidate.point_id,
        source_uri=chunk.record.source_uri,
        location=chunk.record.location,
        modality=chunk.modality,
        media_type=chunk.record.media_type,
        part=chunk.part,
        title=chunk.title,
        snippet=_to_snippet(chunk, query_text, highlight),
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
        place=chunk.place,
        created_at=chunk.created_at,
        language=chunk.language,
        modified_at=(candidate.point.payload or {}).get("modified_at"),
        content_hash=chunk.content_hash,
        tags=tuple((candidate.point.payload or {}).get(TAGS, ())),
        metadata=chunk.record.metadata,
        percentile=None if percentile is None else round(percentile, 4),
        rerank_score=candidate.rerank_score,
        passages=tuple(
            _to_passage(point, query_text, highlights.get(str(point.id)))
            for point in candidate.passages
        )
        if is_several
        else (),
        highlight=highlight,
        **_to_duplicates(candidate),
        explanation=explanation,
    )


def to_words(chunk: Chunk) -> str:
    """A text's own words; of an image those that stand with it."""
    if chunk.modality is Modality.TEXT:
        return chunk.text
    return chunk.caption or chunk.alt_text or chunk.ocr_text or ""


def _to_duplicates(candidate: Candidate) -> dict[str, Any]:
    """Whom a hit stands for, and how many."""
    others = candidate.duplicates
    if others is None:
        return {}
    uris = dict.fromkeys((one.point.payload or {})["source_uri"] for one in others)
    return {"duplicates": tuple(uris)[:MOST_DUPLICATES], "duplicate_count": len(others)}


def _to_snippet(chunk: Chunk, query_text: str | None, highlight: Highlight | None) -> str | None:
    start = highlight.start if highlight else None
    return to_snippet(to_words(chunk), query_text, start=start) or None


def _to_passage(
    point: models.ScoredPoint, query_text: str | None, highlight: Highlight | None
) -> Passage:
    chunk = from_payload(point.payload or {})
    return Passage(
        score=to_cosine(point.score),
        point_id=str(point.id),
        snippet=_to_snippet(chunk, query_text, highlight),
        chunk_ordinal=chunk.ordinal,
        page=chunk.page,
        start_char=chunk.start_char,
        end_char=chunk.end_char,
        highlight=highlight,
    )
