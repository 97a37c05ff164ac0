"""The payload indexes of a collection, made and brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qdrant_client import models

from schemas.payload_indexes import PAYLOAD_INDEXES, TITLE_WORDS, is_served

if TYPE_CHECKING:
    from ingest.store.engine import Engine

_TITLES_AT_ONCE: Final = 1_000


def ensure_payload_indexes(engine: Engine, generation: str) -> None:
    """Make the payload indexes a collection lacks: one made by an older version has fewer.

    An index of fewer options is made anew. Nothing is encoded; of a collection whose points do not
    have their titles' words yet, these are written first, so that a call that is cut short is
    completed by the next one.

    Raises:
        StoreUnavailable: The store did not answer; call again.
    """
    indexed = engine.get_collection(generation).payload_schema
    if "title" in indexed and TITLE_WORDS not in indexed:
        _write_title_words(engine, generation)
    for field, index in PAYLOAD_INDEXES.items():
        if not is_served(index, indexed.get(field)):
            engine.create_payload_index(generation, field, index)


def _write_title_words(engine: Engine, generation: str) -> None:
    """Give every point with a title its words, a write for each title."""
    lacking = models.Filter(
        must=[models.IsEmptyCondition(is_empty=models.PayloadField(key=TITLE_WORDS))],
        must_not=[models.IsEmptyCondition(is_empty=models.PayloadField(key="title"))],
    )
    while True:
        records, _ = engine.scroll(
            generation, lacking, limit=_TITLES_AT_ONCE, with_payload=["title"]
        )
        if not records:
            return
        by_title: dict[str, list[models.ExtendedPointId]] = {}
        for record in records:
            by_title.setdefault((record.payload or {})["title"], []).append(record.id)
        for title, ids in by_title.items():
            engine.set_payload(generation, {TITLE_WORDS: title}, ids)
