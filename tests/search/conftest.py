"""A small collection of colours, in the memory engine, under the legible encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from schemas.collection import to_point
from tests.legible import LegibleEncoder
from tests.search.corpus import to_image_chunk, to_text_chunks, to_text_points
from tests.search.gallery import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qdrant_client import models

    from ingest.store.engine import Engine

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
}


@pytest.fixture
def encoder() -> LegibleEncoder:
    return LegibleEncoder()


@pytest.fixture
def photographs(tmp_path: Path) -> dict[str, Path]:
    return paint(tmp_path)


def paint(folder: Path) -> dict[str, Path]:
    """A plain image of each colour, 8 x 6 pixels."""
    paths = {name: folder / f"{name}.png" for name in COLOURS}
    for name, path in paths.items():
        Image.new("RGB", (8, 6), COLOURS[name]).save(path)
    return paths


def to_image_points(
    encoder: LegibleEncoder, photographs: dict[str, Path]
) -> list[models.PointStruct]:
    points = []
    for width, (name, path) in enumerate(photographs.items(), start=1):
        chunk = to_image_chunk(path.name, path, width_pixels=width, metadata={"colour": name})
        vector = encoder.encode_images([Image.new("RGB", (8, 6), COLOURS[name])])[0]
        points.append(to_point(chunk, vector, encoder.space.fingerprint))
    return points


def fill(engine: Engine, encoder: LegibleEncoder, photographs: dict[str, Path]) -> None:
    """Four images and three documents (one of them in three chunks) under the name "colours"."""
    canary = canary_vectors(encoder, encoder.space.modalities)
    collection = ensure_collection(engine, "colours", encoder.space, canary)
    chunks = [
        *to_text_chunks("rose.txt", "a red rose", title="Roses"),
        *to_text_chunks("sea.txt", "the blue sea", "a red boat", "red and blue", title="The sea"),
        *to_text_chunks("night.txt", "a black night", metadata={"author": "Ann"}),
    ]
    points = to_image_points(encoder, photographs) + to_text_points(encoder, chunks)
    engine.upsert(collection.name, points)


@pytest.fixture
def engine(encoder: LegibleEncoder, photographs: dict[str, Path]) -> Iterator[Engine]:
    with connect(":memory:") as engine:
        fill(engine, encoder, photographs)
        yield engine


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    gallery = Gallery(tmp_path)
    yield gallery
    gallery.engine.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"
