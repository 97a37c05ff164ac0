"""Writes on a condition: what memory and a server promise, and an embedded index refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qdrant_client import models

from schemas.errors import StoreRejected
from tests.ingest.store.samples import AXIS

if TYPE_CHECKING:
    from ingest.store.engine import Engine


def test_a_conditional_write_replaces_only_what_matches(engine: Engine, mine: str) -> None:
    def write(point_id: int, of: str, *, where: str) -> str:
        condition = models.FieldCondition(key="of", match=models.MatchValue(value=where))
        point = models.PointStruct(id=point_id, vector=AXIS, payload={"of": of})
        engine.upsert(mine, [point], update_filter=models.Filter(must=[condition]))
        (record,) = engine.retrieve(mine, [point_id])
        return str((record.payload or {})["of"])

    if type(engine).__name__ == "EmbeddedEngine":
        with pytest.raises(StoreRejected, match="one process has it open"):
            write(900, "a", where="nobody")
        return
    assert write(900, "a", where="nobody") == "a"  # there was none to match
    assert write(900, "b", where="nobody") == "a"
    assert write(900, "b", where="a") == "b"
