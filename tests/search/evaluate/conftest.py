"""Four captioned photographs whose distances to colour words can be computed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection, resolve_collection
from ingest.store.connect import connect
from schemas.collection import to_point
from schemas.records import Chunk, Part
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.conftest import COLOURS, paint
from tests.search.corpus import HASH, to_image_chunk, to_text_points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qdrant_client import models

    from ingest.store.engine import Engine

CAPTIONS = {
    "red": "a red thing",
    "green": "green green",
    "blue": "blue",
    "yellow": "yellow red",  # two parts red, one part green
}
METADATA = {
    "red": {"lang": "en", "tags": ["warm", "pure"]},
    "green": {"lang": "de"},
    "blue": {"lang": "de"},
    "yellow": {"lang": "de", "tags": ["warm"]},
}


def to_uri(name: str) -> str:
    return f"folder://root/{name}.png"


def iter_points(folder: Path, encoder: LegibleEncoder) -> Iterator[models.PointStruct]:
    for name, path in paint(folder).items():
        image = to_image_chunk(path.name, path, metadata=METADATA[name], caption=CAPTIONS[name])
        both: dict[str, Any] = {"count": 2, "caption": CAPTIONS[name]}
        image = replace(image, paired_ordinals=(1,), **both)
        words = Chunk(
            image.record, 1, content_hash=HASH, text=CAPTIONS[name], part=Part.CAPTION, **both
        )
        vector = encoder.encode_images([Image.new("RGB", (8, 6), COLOURS[name])])[0]
        yield to_point(image, vector, encoder.space.fingerprint)
        yield from to_text_points(encoder, [words])


def index(engine: Engine, folder: Path) -> None:
    encoder = LegibleEncoder()
    canary = canary_vectors(encoder, encoder.space.modalities)
    collection = ensure_collection(engine, "photos", encoder.space, canary)
    engine.upsert(collection.name, list(iter_points(folder, encoder)))


@pytest.fixture
def searcher(tmp_path: Path) -> Iterator[Searcher]:
    engine = connect(":memory:")
    index(engine, tmp_path)
    with Searcher(engine, resolve_collection(engine, "photos"), LegibleEncoder()) as searcher:
        yield searcher
