"""The values of a payload field, read from every point: what no index can count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qdrant_client.local.payload_value_extractor import value_by_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qdrant_client import models

    from ingest.store.engine import Engine

_PAGE: Final = 1_000


def read_field(payload: dict[str, Any], key: str) -> list[object]:
    """The values that one payload has in a field, as the stores read it; none where it has none."""
    return value_by_key(payload, key) or []


def iter_field_values(
    engine: Engine, collection_name: str, key: str, chosen: models.Filter | None = None
) -> Iterator[list[object]]:
    """The values that each point has in a field; points without any are left out.

    Args:
        engine: Where the collection is.
        collection_name: Its name or an alias.
        key: Path of the field, of which a list is several values.
        chosen: Which points; None for all.

    Yields:
        The values of one point.

    Raises:
        StoreError: The store failed.
    """
    root = key.partition(".")[0]
    offset: models.ExtendedPointId | None = None
    while True:
        records, offset = engine.scroll(
            collection_name, chosen, limit=_PAGE, offset=offset, with_payload=[root]
        )
        for record in records:
            if values := read_field(record.payload or {}, key):
                yield values
        if offset is None:
            return
