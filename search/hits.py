"""Candidates -> hits: what a payload says, in the words of an answer. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from schemas.collection import USER_FIELD, read_location, read_place
from schemas.payload_indexes import TAGS
from schemas.query import Hit, Passage
from schemas.records import Modality, Part
from search.ranking import to_cosine
from search.snippet import to_snippet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qdrant_client import models

    from schemas.query import Highlight
    from search.ranking import Candidate

MOST_DUPLICATES: Final = 100
"""Source URIs that a hit names; behind a blank page of a scanner there may be thousands."""

_COPIED: Final = (
    "title",
    "caption",
    "alt_text",
    "page",
    "frame",
    "start_char",
    "end_char",
    "width_pixels",
    "height_pixels",
    "taken_at",
    "created_at",
    "modified_at",
    "language",
    "content_hash",
)
"""Fields of a hit that lie in the payload as they are, left out where they are unknown."""


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
    payload = candidate.point.payload or {}
    percentile = candidate.percentile
    highlight = highlights.get(candidate.point_id)
    return Hit(
        rank=rank,
        score=candidate.cosine,
        point_id=candidate.point_id,
        source_uri=payload["source_uri"],
        location=read_location(payload),
        modality=Modality(payload["modality"]),
        media_type=payload["media_type"],
        part=Part(payload.get("part", Part.CONTENT)),
        snippet=_to_snippet(payload, query_text, highlight),
        headings=tuple(payload.get("headings", ())),
        keywords=tuple(payload.get("keywords", ())),
        chunk_ordinal=payload["chunk_ordinal"],
        chunk_count=payload["chunk_count"],
        place=read_place(payload),
        tags=tuple(payload.get(TAGS, ())),
        metadata=payload.get(USER_FIELD, {}),
        percentile=None if percentile is None else round(percentile, 4),
        rerank_score=candidate.rerank_score,
        passages=tuple(
            _to_passage(point, query_text, highlights.get(str(point.id)))
            for point in candidate.passages
        )
        if len(candidate.passages) > 1
        else (),
        highlight=highlight,
        **{name: payload[name] for name in _COPIED if name in payload},
        **_to_duplicates(candidate),
        explanation=explanation,
    )


def to_words(payload: Mapping[str, Any]) -> str:
    """A text's own words; of an image those that stand with it."""
    if payload["modality"] == Modality.TEXT:
        return payload.get("text") or ""
    return payload.get("caption") or payload.get("alt_text") or payload.get("ocr_text") or ""


def _to_duplicates(candidate: Candidate) -> dict[str, Any]:
    """Whom a hit stands for, and how many."""
    others = candidate.duplicates
    if others is None:
        return {}
    uris = dict.fromkeys((one.point.payload or {})["source_uri"] for one in others)
    return {"duplicates": tuple(uris)[:MOST_DUPLICATES], "duplicate_count": len(others)}


def _to_snippet(
    payload: Mapping[str, Any], query_text: str | None, highlight: Highlight | None
) -> str | None:
    start = highlight.start if highlight else None
    return to_snippet(to_words(payload), query_text, start=start) or None


def _to_passage(
    point: models.ScoredPoint, query_text: str | None, highlight: Highlight | None
) -> Passage:
    payload = point.payload or {}
    return Passage(
        score=to_cosine(point.score),
        point_id=str(point.id),
        snippet=_to_snippet(payload, query_text, highlight),
        chunk_ordinal=payload["chunk_ordinal"],
        page=payload.get("page"),
        start_char=payload.get("start_char"),
        end_char=payload.get("end_char"),
        highlight=highlight,
    )
