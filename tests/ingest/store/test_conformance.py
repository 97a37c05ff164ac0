"""What every engine promises: one suite on memory, the embedded index and a server."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from qdrant_client import models

from ingest.store.connect import connect
from schemas.errors import CollectionMissing, InvalidVector, SettingsError, StoreRejected
from tests.ingest.store.samples import (
    AXIS,
    IMAGES,
    at_angle,
    matching,
    point_alias,
    reach,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.engine import Engine


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


def test_values_are_counted_the_most_frequent_first(engine: Engine, filled: str) -> None:
    def counts(**options: Any) -> list[tuple[Any, int]]:
        return [(hit.value, hit.count) for hit in engine.facet(filled, "modality", **options).hits]

    assert counts() == [("image", 5), ("text", 4)]
    assert counts(limit=1) == [("image", 5)]
    assert counts(facet_filter=matching("page", 2)) == [("text", 1)]
    assert counts(facet_filter=matching("page", 77)) == []


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
        lambda: engine.facet(name, "modality"),
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
    mine = address if "://" in address or address == ":memory:" else str(tmp_path)
    engine = reach(mine)
    engine.close()
    engine.close()
    with pytest.raises(StoreRejected, match="closed"):
        engine.count("any")


@pytest.mark.parametrize("url", ["ftp://there/index", "", "qdrant://there:6333"])
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="neither"):
        connect(url)
