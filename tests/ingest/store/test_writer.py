"""The writer's batches and counts; its patience is tested on the wire."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import models

from ingest.store.connect import connect
from ingest.store.writer import MAX_REQUEST_BYTES, WriteCounts, Writer, to_size_bytes
from schemas.errors import InvalidVector, StoreRejected
from tests.ingest.store.samples import AXIS, IMAGES, create, to_points

if TYPE_CHECKING:
    from ingest.store.engine import Engine


def test_every_point_is_written_and_counted(engine: Engine, collection: str) -> None:
    writer = Writer(engine, collection, points_per_request=4)
    assert writer.upsert(iter(to_points())) == 9
    assert writer.upsert([]) == 0
    assert engine.count(collection).count == 9
    assert writer.counts == WriteCounts(upserted=9, requests=3)
    writer.flush()


def test_deleting_by_filter_or_ids_counts_what_was_there(engine: Engine, collection: str) -> None:
    writer = Writer(engine, collection)
    writer.upsert(to_points())
    assert writer.delete(IMAGES) == 5
    assert writer.delete(IMAGES) == 0
    assert writer.delete([1, 2, 4, 77]) == 2
    assert writer.delete([]) == 0
    points, _ = engine.scroll(collection)
    assert [point.id for point in points] == [6, 8]
    # One upsert and two deletes: what matches nothing is not even sent.
    assert writer.counts == WriteCounts(upserted=9, deleted=7, requests=3)


def test_many_ids_are_deleted_in_turns(engine: Engine, collection: str) -> None:
    writer = Writer(engine, collection)
    writer.upsert(models.PointStruct(id=i, vector=AXIS, payload={}) for i in range(2_500))
    before = writer.counts.requests
    assert writer.delete(list(range(2_500))) == 2_500
    assert writer.counts.requests == before + 3
    assert engine.count(collection).count == 0


def test_set_payload(engine: Engine, collection: str) -> None:
    writer = Writer(engine, collection)
    writer.upsert(to_points())
    writer.set_payload({"location": "/new"}, [1])
    (point,) = engine.retrieve(collection, [1], with_payload=["location", "page"])
    assert point.payload == {"location": "/new", "page": 1}


def test_a_bad_vector_is_named_and_not_written(engine: Engine, collection: str) -> None:
    writer = Writer(engine, collection)
    bad = models.PointStruct(id=5, vector=[0.0] * 4, payload={})
    with pytest.raises(InvalidVector, match="point 5"):
        writer.upsert([*to_points()[:3], bad])
    assert writer.counts.upserted == 0


def test_a_point_beyond_a_request_is_named(engine: Engine, collection: str) -> None:
    big = models.PointStruct(id=7, vector=AXIS, payload={"text": "x" * 5_000})
    writer = Writer(engine, collection, bytes_per_request=4_000)
    with pytest.raises(StoreRejected, match="point 7: about 5"):
        writer.upsert([big])


class Recorder:
    """Notes the batches on their way to a real engine."""

    def __init__(self) -> None:
        self.engine = connect(":memory:")
        create(self.engine, "c")
        self.batches: list[list[models.PointStruct]] = []
        real = self.engine.upsert

        def upsert(
            name: str, points: list[models.PointStruct], *, wait: bool = True
        ) -> models.UpdateResult:
            self.batches.append(points)
            return real(name, points, wait=wait)

        self.engine.upsert = upsert  # type: ignore[method-assign,assignment]


texts = st.lists(st.text(max_size=40), max_size=30)


@settings(deadline=None, max_examples=60)
@given(texts=texts, most=st.integers(1, 7), most_bytes=st.integers(500, 3_000))
def test_batches_keep_both_limits_and_the_order(
    texts: list[str], most: int, most_bytes: int
) -> None:
    points = [
        models.PointStruct(id=i, vector=AXIS, payload={"text": text})
        for i, text in enumerate(texts)
    ]
    recorder = Recorder()
    writer = Writer(recorder.engine, "c", points_per_request=most, bytes_per_request=most_bytes)
    assert writer.upsert(points) == len(points)
    assert [point for batch in recorder.batches for point in batch] == points
    for batch in recorder.batches:
        assert 1 <= len(batch) <= most
        assert sum(map(to_size_bytes, batch)) <= most_bytes
    assert recorder.engine.count("c").count == len(points)


def test_the_size_is_an_upper_estimate_of_json() -> None:
    chosen = random.Random(1)  # noqa: S311 - any numbers
    point = models.PointStruct(
        id=2**64 - 1,
        vector=[chosen.uniform(-1e-5, 1e-5) for _ in range(384)],
        payload={"text": '\u00e9\U0001f600\n"', "page": 3},
    )
    sent = models.PointsList(points=[point]).model_dump_json().encode()
    assert len(sent) <= to_size_bytes(point) < 2 * len(sent)
    assert MAX_REQUEST_BYTES < 32 * 1024 * 1024
