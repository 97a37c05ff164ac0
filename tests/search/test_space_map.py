from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.background import measure_background, refresh_background
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from schemas.background import BACKGROUND_KEY
from schemas.collection import to_point
from schemas.records import Modality
from search.space_map import read_map
from tests.legible import LegibleEncoder
from tests.search.corpus import to_image_chunk, to_text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine

IMAGE, TEXT = Modality.IMAGE, Modality.TEXT
COUNT = 40


@pytest.fixture(params=[":memory:", "embedded"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = connect(":memory:" if request.param == ":memory:" else str(tmp_path / "index"))
    yield engine
    engine.close()


def fill(engine: Engine) -> str:
    """Images and texts on a disc around an axis each, far from each other."""
    space = LegibleEncoder().space
    name = ensure_collection(engine, "map", space, {}).name
    rng = np.random.default_rng(3)
    points = []
    for number in range(COUNT):
        image = to_image_chunk(f"a%20{number}.png", caption="  A   cat " * 40 if number else None)
        (text,) = to_text_chunks(f"{number}.txt", "words", title=f"Title {number}")
        for chunk, axis in ((image, 0), (text, 1)):
            vector = np.zeros(space.dimension, dtype=np.float32)
            vector[axis] = 1
            vector[2:4] = rng.normal(size=2) * [0.4, 0.2]
            unit = vector / np.linalg.norm(vector)
            points.append(to_point(chunk, unit, space.fingerprint))
    engine.upsert(name, points)
    return name


def test_both_modalities_lie_on_one_map(engine: Engine) -> None:
    name = fill(engine)
    assert read_map(engine, name) is None
    assert refresh_background(engine, name)
    found = read_map(engine, name)
    assert found is not None
    assert [one.modality for one in found.points] == [IMAGE] * COUNT + [TEXT] * COUNT
    places = np.array([(one.x, one.y) for one in found.points])
    assert np.abs(places).max() == 1
    assert places[:, 0].std() > 1.5 * places[:, 1].std() > 0
    # The gap between the modalities is no axis of the map.
    gap = places[:COUNT].mean(axis=0) - places[COUNT:].mean(axis=0)
    assert np.abs(gap).max() < 0.1


def test_a_map_is_the_same_every_time(engine: Engine) -> None:
    name = fill(engine)
    refresh_background(engine, name)
    first = read_map(engine, name)
    assert not refresh_background(engine, name)
    assert read_map(engine, name) == first


def test_points_have_short_names(engine: Engine) -> None:
    name = fill(engine)
    refresh_background(engine, name)
    found = read_map(engine, name)
    assert found is not None
    titles = {one.title for one in found.points}
    assert {"a 0.png", "Title 7"} <= titles
    assert max(map(len, titles)) == 80
    assert found.to_json()["points"][0].keys() == {"point_id", "modality", "x", "y", "title"}


def test_a_large_collection_is_sampled(engine: Engine) -> None:
    name = fill(engine)
    refresh_background(engine, name)
    found = read_map(engine, name, limit=32)
    assert found is not None
    assert 16 <= len(found.points) <= 32
    assert {one.modality for one in found.points} == {IMAGE, TEXT}


def test_an_index_from_before_maps_gets_one_with_the_next_writing_run(engine: Engine) -> None:
    name = fill(engine)
    background = measure_background(engine, name, {IMAGE: COUNT, TEXT: COUNT})
    engine.update_collection(name, metadata={BACKGROUND_KEY: background.to_json()})
    assert read_map(engine, name) is None
    assert refresh_background(engine, name)
    assert read_map(engine, name) is not None
    assert not refresh_background(engine, name)
