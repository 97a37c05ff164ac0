"""The payload indexes of a collection, made and brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qdrant_client import models

from schemas.payload_indexes import (
    LABEL_FIELDS,
    LABELS,
    PAYLOAD_INDEXES,
    is_served,
    to_labels,
)

if TYPE_CHECKING:
    from ingest.store.engine import Engine

_POINTS_AT_ONCE: Final = 1_000


def ensure_payload_indexes(engine: Engine, generation: str) -> None:
    """Make the payload indexes a collection lacks: one made by an older version has fewer.

    An index of fewer options is made anew. Nothing is encoded; of a collection whose points do not
    have labels yet, these are written first, so that a call that is cut short is completed by the
    next one.

    Raises:
        StoreUnavailable: The store did not answer; call again.
    """
    indexed = engine.get_collection(generation).payload_schema
    if "title" in indexed and LABELS not in indexed:
        _write_labels(engine, generation)
    for field, index in PAYLOAD_INDEXES.items():
        if not is_served(index, indexed.get(field)):
            engine.create_payload_index(generation, field, index)


def _write_labels(engine: Engine, generation: str) -> None:
    """Give every point that has any its labels, a write for those with the same ones."""
    lacking = models.Filter(
        must=[_is_empty(LABELS)],
        should=[models.Filter(must_not=[_is_empty(field)]) for field in LABEL_FIELDS],
    )
    while True:
        records, _ = engine.scroll(
            generation, lacking, limit=_POINTS_AT_ONCE, with_payload=[*LABEL_FIELDS]
        )
        alike: dict[tuple[str, ...], list[models.ExtendedPointId]] = {}
        for record in records:
            alike.setdefault(tuple(to_labels(record.payload or {}) or ()), []).append(record.id)
        if not alike:
            return
        for labels, ids in alike.items():
            # At least something, or it would be asked for again and again.
            engine.set_payload(generation, {LABELS: list(labels) or [""]}, ids)


def _is_empty(field: str) -> models.IsEmptyCondition:
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
