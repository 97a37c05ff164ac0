"""What every engine promises: one suite on memory, the embedded index and a server."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from qdrant_client import models

from ingest.store.connect import connect
from schemas.errors import CollectionMissing, InvalidVector, StoreRejected
from tests.ingest.store.samples import (
    ANGLES,
    AXIS,
    IMAGES,
    at_angle,
    create,
    matching,
    point_alias,
    to_points,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine


@pytest.fixture(scope="module")
def filled(engine: Engine) -> Iterator[str]:
    """The nine points, for tests that only read."""
    name = f"test_{uuid4().hex}"
    create(engine, name)
    engine.upsert(name, to_points())
    yield name
    engine.delete_collection(name)


@pytest.fixture
def mine(engine: Engine, collection: str) -> str:
    """The nine points, for a test that changes them."""
    engine.upsert(collection, to_points())
    return collection


def test_a_collection_is_made_once_and_removed(engine: Engine, name: str) -> None:
    params = models.VectorParams(size=4, distance=models.Distance.COSINE)
    assert not engine.collection_exists(name)
    assert engine.create_collection(name, params)
    assert engine.collection_exists(name)
    assert name in [listed.name for listed in engine.get_collections().collections]
    with pytest.raises(StoreRejected, match="already exists"):
        engine.create_collection(name, params)
    assert engine.delete_collection(name)
    assert not engine.collection_exists(name)
    assert not engine.delete_collection(name)


@pytest.mark.parametrize("bad", ["a/b", "..", "a:b", "a\\b"])
def test_a_malformed_name_is_refused(engine: Engine, bad: str) -> None:
    params = models.VectorParams(size=4, distance=models.Distance.COSINE)
    if bad == ".." and type(engine).__name__ == "MemoryEngine":
        pytest.skip("memory has no folders that a name could leave")
    with pytest.raises(StoreRejected):
        engine.create_collection(bad, params)


def test_another_distance_is_refused(engine: Engine, name: str) -> None:
    params = models.VectorParams(size=4, distance=models.Distance.EUCLID)
    with pytest.raises(StoreRejected, match="cosine"):
        engine.create_collection(name, params)
    assert not engine.collection_exists(name)


def test_a_new_collection_describes_itself(engine: Engine, collection: str) -> None:
    info = engine.get_collection(collection)
    assert info.points_count == 0
    assert info.config.params.vectors == models.VectorParams(
        size=4, distance=models.Distance.COSINE
    )
    assert info.config.metadata == {"made_by": "a test"}


def test_metadata_is_merged_and_none_removes(engine: Engine, collection: str) -> None:
    nested = {"canary": {"text": [[0.25, -0.5]]}, "count": 3, "absent": None}
    engine.update_collection(collection, metadata={"space": nested})
    engine.update_collection(collection, metadata={"last_run": "2025-01-01", "made_by": None})
    metadata = engine.get_collection(collection).config.metadata
    assert metadata == {"space": nested, "last_run": "2025-01-01"}


def test_an_alias_stands_for_its_collection_and_moves_at_once(
    engine: Engine, mine: str, name: str
) -> None:
    alias, other = f"{name}_alias", f"{name}_other"
    engine.create_collection(other, models.VectorParams(size=4, distance=models.Distance.COSINE))
    point_alias(engine, alias, mine)
    assert engine.collection_exists(alias)
    assert engine.count(alias).count == 9
    point_alias(engine, alias, other)
    assert engine.count(alias).count == 0
    described = engine.get_collection_aliases(other).aliases
    assert [(each.alias_name, each.collection_name) for each in described] == [(alias, other)]
    assert engine.get_collection_aliases(mine).aliases == []
    assert alias in [each.alias_name for each in engine.get_aliases().aliases]
    engine.delete_collection(other)
    assert not engine.collection_exists(alias)


def test_aliases_change_together_or_not_at_all(engine: Engine, collection: str, name: str) -> None:
    first = models.CreateAlias(collection_name=collection, alias_name=f"{name}_a")
    lost = models.CreateAlias(collection_name=f"{name}_nowhere", alias_name=f"{name}_b")
    with pytest.raises(CollectionMissing):
        engine.update_collection_aliases(
            [
                models.CreateAliasOperation(create_alias=first),
                models.CreateAliasOperation(create_alias=lost),
            ]
        )
    assert not engine.collection_exists(f"{name}_a")


def test_aliases_are_renamed_and_removed(engine: Engine, collection: str, name: str) -> None:
    point_alias(engine, f"{name}_a", collection)
    rename = models.RenameAlias(old_alias_name=f"{name}_a", new_alias_name=f"{name}_b")
    engine.update_collection_aliases([models.RenameAliasOperation(rename_alias=rename)])
    assert not engine.collection_exists(f"{name}_a")
    assert engine.collection_exists(f"{name}_b")
    delete = models.DeleteAlias(alias_name=f"{name}_b")
    engine.update_collection_aliases([models.DeleteAliasOperation(delete_alias=delete)])
    assert not engine.collection_exists(f"{name}_b")


def test_no_alias_takes_a_collections_name(engine: Engine, collection: str) -> None:
    with pytest.raises(StoreRejected):
        point_alias(engine, collection, collection)


def test_upserting_twice_replaces_the_point_whole(engine: Engine, mine: str) -> None:
    changed = models.PointStruct(id=1, vector=at_angle(90), payload={"modality": "text"})
    engine.upsert(mine, [changed])
    assert engine.count(mine).count == 9
    (point,) = engine.retrieve(mine, [1], with_vectors=True)
    assert point.payload == {"modality": "text"}
    assert point.vector == pytest.approx(at_angle(90), abs=1e-6)


def test_vectors_are_returned_at_unit_length(engine: Engine, collection: str) -> None:
    engine.upsert(collection, [models.PointStruct(id=1, vector=[3.0, 4.0, 0.0, 0.0], payload={})])
    (point,) = engine.retrieve(collection, [1], with_vectors=True)
    assert point.vector == pytest.approx([0.6, 0.8, 0.0, 0.0], abs=1e-6)


def test_retrieve_gives_what_is_there(engine: Engine, filled: str) -> None:
    records = engine.retrieve(filled, [7, 99, 2], with_payload=["page"])
    assert {record.id: record.payload for record in records} == {2: {"page": 2}, 7: {"page": 7}}
    assert all(record.vector is None for record in records)
    (bare,) = engine.retrieve(filled, [3], with_payload=False)
    assert not bare.payload
    exclude = models.PayloadSelectorExclude(exclude=["source_uri", "page"])
    (partial,) = engine.retrieve(filled, [3], with_payload=exclude)
    assert partial.payload == {"modality": "image"}


def test_ids_are_uuids_too(engine: Engine, collection: str) -> None:
    point_id = str(uuid4())
    spelled_otherwise = UUID(point_id).hex.upper()
    engine.upsert(collection, [models.PointStruct(id=point_id, vector=AXIS, payload={"page": 1})])
    engine.upsert(
        collection, [models.PointStruct(id=spelled_otherwise, vector=AXIS, payload={"page": 2})]
    )
    (record,) = engine.retrieve(collection, [point_id])
    assert (record.id, record.payload) == (point_id, {"page": 2})
    assert engine.query_points(collection, AXIS).points[0].id == point_id


def test_delete_by_ids_ignores_strangers(engine: Engine, mine: str) -> None:
    engine.delete(mine, [1, 2, 99])
    engine.delete(mine, models.PointIdsList(points=[3]))
    assert engine.count(mine).count == 6
    engine.delete(mine, [1])
    assert engine.count(mine).count == 6


def test_delete_by_filter(engine: Engine, mine: str) -> None:
    kept = models.Filter(must=IMAGES.must, must_not=[models.HasIdCondition(has_id=[1, 3])])
    engine.delete(mine, models.FilterSelector(filter=kept))
    points, _ = engine.scroll(mine, limit=20)
    assert [point.id for point in points] == [1, 2, 3, 4, 6, 8]
    engine.delete(mine, IMAGES)
    assert engine.count(mine, IMAGES).count == 0


def test_set_payload_leaves_other_fields(engine: Engine, mine: str) -> None:
    engine.set_payload(mine, {"location": "/new"}, [1])
    engine.set_payload(mine, {"location": "/other"}, matching("page", 2))
    records = engine.retrieve(mine, [1, 2, 3])
    found = {record.id: (record.payload or {}).get("location") for record in records}
    assert found == {1: "/new", 2: "/other", 3: None}
    (first,) = [record for record in records if record.id == 1]
    assert first.payload is not None
    assert first.payload["modality"] == "image"


def test_set_payload_on_a_stranger_is_refused(engine: Engine, filled: str) -> None:
    with pytest.raises(StoreRejected, match="99"):
        engine.set_payload(filled, {"location": "/new"}, [99])


def test_scrolling_gives_every_match_once_in_order(engine: Engine, filled: str) -> None:
    seen: list[object] = []
    offset: models.ExtendedPointId | None = None
    while True:
        page, offset = engine.scroll(filled, IMAGES, limit=2, offset=offset)
        assert len(page) <= 2
        seen += [point.id for point in page]
        if offset is None:
            break
    assert seen == [1, 3, 5, 7, 9]


def test_scrolling_an_empty_collection(engine: Engine, collection: str) -> None:
    assert engine.scroll(collection) == ([], None)


def test_count(engine: Engine, filled: str) -> None:
    assert engine.count(filled).count == 9
    assert engine.count(filled, IMAGES).count == 5
    assert engine.count(filled, matching("page", 77)).count == 0


def test_scores_are_cosines_nearest_first(engine: Engine, filled: str) -> None:
    points = engine.query_points(filled, AXIS, limit=4).points
    assert [point.id for point in points] == [1, 2, 3, 4]
    expected = [math.cos(math.radians(ANGLES[number])) for number in (1, 2, 3, 4)]
    assert [point.score for point in points] == pytest.approx(expected, abs=1e-6)
    assert points[0].payload == to_points()[0].payload
    assert points[0].vector is None


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e6])
def test_the_length_of_the_query_does_not_matter(engine: Engine, filled: str, scale: float) -> None:
    query = [value * scale for value in at_angle(50)]
    best = engine.query_points(filled, query, limit=1, with_vectors=True).points[0]
    assert best.id == 5
    assert 0.999999 < best.score <= 1.0
    assert best.vector == pytest.approx(at_angle(50), abs=1e-6)
    opposite = [-value for value in query]
    worst = engine.query_points(filled, opposite, limit=9).points[-1]
    assert worst.id == 5
    assert worst.score == pytest.approx(-1.0, abs=1e-6)
    assert worst.score >= -1.0


def test_a_filter_is_exact(engine: Engine, filled: str) -> None:
    points = engine.query_points(filled, AXIS, query_filter=IMAGES, limit=9).points
    assert [point.id for point in points] == [1, 3, 5, 7, 9]


def test_threshold_offset_and_fields(engine: Engine, filled: str) -> None:
    threshold = math.cos(math.radians(45))
    points = engine.query_points(
        filled, AXIS, score_threshold=threshold, offset=1, with_payload=["page"]
    ).points
    assert [(point.id, point.payload) for point in points] == [
        (2, {"page": 2}),
        (3, {"page": 3}),
        (4, {"page": 4}),
    ]


def test_a_batch_is_answered_in_order(engine: Engine, filled: str) -> None:
    requests = [
        models.QueryRequest(query=at_angle(angle), filter=IMAGES, limit=1, with_payload=True)
        for angle in (88, 12, 52)
    ]
    answers = engine.query_batch_points(filled, requests)
    assert [answer.points[0].id for answer in answers] == [9, 1, 5]
    assert answers[0].points[0].payload == to_points()[8].payload


def test_groups_rank_by_their_best_point(engine: Engine, filled: str) -> None:
    groups = engine.query_points_groups(
        filled, "source_uri", at_angle(44), limit=2, group_size=2
    ).groups
    assert [(group.id, [hit.id for hit in group.hits]) for group in groups] == [
        ("folder://r/1", [4, 5]),
        ("folder://r/0", [3, 2]),
    ]
    assert groups[0].hits[0].payload is not None


def test_a_big_document_hides_no_other(engine: Engine, collection: str) -> None:
    """300 chunks of one document lie nearer than the only chunk of another."""
    near = [
        models.PointStruct(id=i, vector=at_angle(i / 10), payload={"source_uri": "big"})
        for i in range(300)
    ]
    far = models.PointStruct(id=1000, vector=at_angle(90), payload={"source_uri": "far"})
    engine.upsert(collection, [*near, far])
    groups = engine.query_points_groups(
        collection, "source_uri", AXIS, limit=2, group_size=3, with_payload=False
    ).groups
    assert [(group.id, len(group.hits)) for group in groups] == [("big", 3), ("far", 1)]
    assert [hit.id for hit in groups[0].hits] == [0, 1, 2]
    assert not groups[0].hits[0].payload


def test_points_without_the_field_are_in_no_group(engine: Engine, collection: str) -> None:
    payloads: list[dict[str, object]] = [
        {},
        {"group": None},
        {"group": 1.5},
        {"group": True},
        {"group": 7},
        {"group": ["a", "b"]},
    ]
    engine.upsert(
        collection,
        [
            models.PointStruct(id=i, vector=at_angle(i), payload=payload)
            for i, payload in enumerate(payloads)
        ],
    )
    groups = engine.query_points_groups(collection, "group", AXIS, limit=9).groups
    assert [(group.id, [hit.id for hit in group.hits]) for group in groups] == [
        (7, [4]),
        ("a", [5]),
        ("b", [5]),
    ]


NAN = float("nan")


@pytest.mark.parametrize(
    "vector",
    [[0.0] * 4, [NAN, 1, 0, 0], [math.inf, 1, 0, 0], [1e30, 0, 0, 0], [1e-4, 0, 0, 0]],
    ids=["zero", "nan", "inf", "overflows float32", "too short to be scaled"],
)
def test_a_vector_without_direction_is_refused(
    engine: Engine, filled: str, vector: list[float]
) -> None:
    good = models.PointStruct(id=50, vector=AXIS, payload={})
    bad = models.PointStruct(id=51, vector=vector, payload={})
    with pytest.raises(InvalidVector, match="51"):
        engine.upsert(filled, [good, bad])
    assert engine.retrieve(filled, [50, 51]) == []
    with pytest.raises(InvalidVector):
        engine.query_points(filled, vector)
    with pytest.raises(InvalidVector):
        engine.query_batch_points(filled, [models.QueryRequest(query=vector)])
    with pytest.raises(InvalidVector):
        engine.query_points_groups(filled, "source_uri", vector)


def test_another_dimension_is_refused(engine: Engine, filled: str) -> None:
    with pytest.raises(InvalidVector):
        engine.upsert(filled, [models.PointStruct(id=50, vector=[1.0, 2.0], payload={})])
    with pytest.raises(InvalidVector):
        engine.query_points(filled, [1.0, 2.0])
    assert engine.count(filled).count == 9


def test_named_vectors_are_refused(engine: Engine, collection: str) -> None:
    point = models.PointStruct(id=1, vector={"image": AXIS}, payload={})
    with pytest.raises(StoreRejected, match="plain"):
        engine.upsert(collection, [point])
    with pytest.raises(StoreRejected, match="using"):
        engine.query_batch_points(collection, [models.QueryRequest(query=AXIS, using="image")])


def test_a_limit_below_one_is_refused(engine: Engine, filled: str) -> None:
    with pytest.raises(StoreRejected):
        engine.query_points(filled, AXIS, limit=0)


def test_an_unknown_collection_is_named(engine: Engine, name: str) -> None:
    point = models.PointStruct(id=1, vector=AXIS, payload={})
    for call in (
        lambda: engine.get_collection(name),
        lambda: engine.update_collection(name, metadata={}),
        lambda: engine.create_payload_index(name, "page", models.PayloadSchemaType.INTEGER),
        lambda: engine.upsert(name, [point]),
        lambda: engine.delete(name, [1]),
        lambda: engine.set_payload(name, {"a": 1}, [1]),
        lambda: engine.retrieve(name, [1]),
        lambda: engine.scroll(name),
        lambda: engine.count(name),
        lambda: engine.query_points(name, AXIS),
        lambda: engine.query_batch_points(name, [models.QueryRequest(query=AXIS)]),
        lambda: engine.query_points_groups(name, "source_uri", AXIS),
        lambda: engine.optimize(name),
    ):
        with pytest.raises(CollectionMissing, match=name):
            call()


def test_flush_and_optimize_change_nothing_small(engine: Engine, filled: str) -> None:
    engine.flush()
    assert not engine.optimize(filled)
    assert engine.count(filled).count == 9


def test_a_closed_engine_says_so(address: str, tmp_path: Path) -> None:
    engine = connect(address if "://" in address or address == ":memory:" else str(tmp_path))
    engine.close()
    engine.close()
    with pytest.raises(StoreRejected, match="closed"):
        engine.count("any")
