"""A disk that is nearly full is an error of the store, not the end of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qdrant_client import models

from ingest.store.connect import connect
from ingest.store.embedded import room
from schemas.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "photos__g001"
VECTORS = models.VectorParams(size=2, distance=models.Distance.COSINE)
POINT = models.PointStruct(id=1, vector=[0.6, 0.8], payload={})


def test_a_write_without_room_is_refused_and_says_where_and_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    engine = connect(str(index))
    try:
        engine.create_collection(NAME, VECTORS)
        engine.upsert(NAME, [POINT])
        monkeypatch.setattr(room, "WRITING_BYTES", 10**18)
        with pytest.raises(StoreError, match="make room and run again") as caught:
            engine.upsert(NAME, [POINT])
        assert str(index) in str(caught.value)
        assert "1,000,000,000,000 MB" in str(caught.value)
        assert engine.count(NAME).count == 1
    finally:
        engine.close()


def test_no_collection_is_begun_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "WRITING_BYTES", 10**18)
    engine = connect(str(tmp_path / "index"))
    try:
        with pytest.raises(StoreError, match="the disk has"):
            engine.create_collection(NAME, VECTORS)
        assert not engine.collection_exists(NAME)
    finally:
        engine.close()


def test_no_index_is_opened_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = str(tmp_path / "index")
    engine = connect(index)
    engine.create_collection(NAME, VECTORS)
    engine.close()
    monkeypatch.setattr(room, "OPENING_BYTES", 10**18)
    engine = connect(index)
    try:
        with pytest.raises(StoreError, match="the disk has"):
            engine.count(NAME)
    finally:
        engine.close()
