"""Collections as Diptych makes them: generations behind an alias, bound to a space."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from qdrant_client import models

from ingest.store import collections, payload_indexes
from ingest.store.collections import (
    LEASES,
    check_space,
    ensure_collection,
    read_names,
    resolve_collection,
)
from ingest.store.connect import connect
from schemas.collection import SCHEMA_VERSION
from schemas.errors import (
    CollectionMissing,
    SettingsError,
    SpaceMismatch,
    StoreRejected,
    StoreUnavailable,
)
from schemas.payload_indexes import LABELS, PAYLOAD_INDEXES, index_type, is_served
from schemas.records import Modality
from schemas.space import EmbeddingSpace
from tests.ingest.store.samples import AXIS, create, point_alias

if TYPE_CHECKING:
    from ingest.store.engine import Engine

SPACE = EmbeddingSpace(
    model_id="legible",
    revision="1",
    dimension=4,
    modalities=(Modality.IMAGE, Modality.TEXT),
    window_tokens=16,
    image_size_pixels=8,
    preprocessing="mean colour",
    padding="none",
    pooling="sum",
    normalisation="l2",
    dtype="float32",
    decode_version=1,
    chunk_version=1,
)
OTHER = replace(SPACE, model_id="another", revision="2")
CANARY = {"image": [[0.6, 0.8, 0.0, 0.0]], "text": [[0.0, 1.0, 0.0, 0.0]]}
FEW_INDEXES = dict(list(PAYLOAD_INDEXES.items())[:2])
POINT = models.PointStruct(id=1, vector=AXIS, payload={"modality": "image"})


@pytest.fixture(autouse=True)
def few_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two payload indexes instead of all: each costs an embedded index some file syncs."""
    monkeypatch.setattr(payload_indexes, "PAYLOAD_INDEXES", FEW_INDEXES)


def test_a_new_collection_is_a_generation_behind_an_alias(engine: Engine, name: str) -> None:
    made = ensure_collection(engine, name, SPACE, CANARY)
    assert made.name == f"{name}__g001"
    assert (made.space, made.canary) == (SPACE, CANARY)
    assert made.metadata["schema_version"] == SCHEMA_VERSION
    assert made.metadata["fingerprint"] == SPACE.fingerprint
    assert len(made.metadata["index_uuid"]) == 36
    assert resolve_collection(engine, name) == made
    assert resolve_collection(engine, made.name) == made
    engine.upsert(name, [POINT])
    assert engine.count(made.name).count == 1


def test_ensuring_again_changes_nothing(engine: Engine, name: str) -> None:
    made = ensure_collection(engine, name, SPACE, CANARY)
    assert ensure_collection(engine, name, SPACE, {"text": [[1.0, 0.0, 0.0, 0.0]]}) == made


def test_the_payload_indexes_are_there_before_the_first_point(
    engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload_indexes, "PAYLOAD_INDEXES", PAYLOAD_INDEXES)
    made = ensure_collection(engine, name, SPACE, CANARY)
    indexed = engine.get_collection(made.name).payload_schema
    if type(engine).__name__ == "MemoryEngine":
        assert indexed == {}, "memory scans; were it to index, this test should look at it"
    else:
        kinds = {field: index.data_type for field, index in indexed.items()}
        assert kinds == {name: index_type(index) for name, index in PAYLOAD_INDEXES.items()}


def test_another_space_is_refused_with_both_names(engine: Engine, name: str) -> None:
    made = ensure_collection(engine, name, SPACE, CANARY)
    with pytest.raises(SpaceMismatch) as caught:
        ensure_collection(engine, name, OTHER, CANARY)
    said = str(caught.value)
    assert "built with legible, this is another" in said
    assert "revision '1' there, '2' here" in said
    assert "--collection" in said
    check_space(made, replace(SPACE))


def test_a_missing_collection_names_the_others(engine: Engine, name: str) -> None:
    ensure_collection(engine, name, SPACE, CANARY)
    with pytest.raises(CollectionMissing, match=f"{name}_x.*not found .*{name}"):
        resolve_collection(engine, f"{name}_x")


@pytest.mark.parametrize("step", ["create_collection", "point_alias", "create_payload_index"])
def test_a_creation_cut_short_is_completed(
    engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise StoreUnavailable("the connection is lost")

    with monkeypatch.context() as patch:
        owner: object = engine if step == "create_payload_index" else collections
        patch.setattr(owner, step, cut)
        with pytest.raises(StoreUnavailable):
            ensure_collection(engine, name, SPACE, CANARY)
        with pytest.raises(CollectionMissing):
            resolve_collection(engine, name)
    made = ensure_collection(engine, name, SPACE, CANARY)
    assert resolve_collection(engine, name) == made
    if type(engine).__name__ != "MemoryEngine":
        assert set(engine.get_collection(name).payload_schema) == set(FEW_INDEXES)


def test_an_empty_remnant_of_another_model_makes_room(engine: Engine, name: str) -> None:
    remnant = ensure_collection(engine, name, OTHER, CANARY)
    remove_alias(engine, name)
    made = ensure_collection(engine, name, SPACE, CANARY)
    assert made.name == remnant.name
    assert resolve_collection(engine, name).space == SPACE


def test_a_collection_that_lost_its_alias_is_found_again(engine: Engine, name: str) -> None:
    made = ensure_collection(engine, name, SPACE, CANARY)
    engine.upsert(made.name, [POINT])
    remove_alias(engine, name)
    with pytest.raises(SpaceMismatch):
        ensure_collection(engine, name, OTHER, CANARY)
    assert ensure_collection(engine, name, SPACE, CANARY) == made
    assert engine.count(name).count == 1


def remove_alias(engine: Engine, alias: str) -> None:
    delete = models.DeleteAlias(alias_name=alias)
    engine.update_collection_aliases([models.DeleteAliasOperation(delete_alias=delete)])


def test_a_newer_generation_is_followed(engine: Engine, name: str) -> None:
    old = ensure_collection(engine, name, SPACE, CANARY)
    params = models.VectorParams(size=4, distance=models.Distance.COSINE)
    engine.create_collection(f"{name}__g002", params, metadata=dict(old.metadata))
    point_alias(engine, name, f"{name}__g002")
    assert resolve_collection(engine, name).name == f"{name}__g002"
    assert ensure_collection(engine, name, SPACE, CANARY).name == f"{name}__g002"
    assert resolve_collection(engine, old.name) == old


def test_somebody_elses_collection_is_refused(engine: Engine, name: str) -> None:
    create(engine, name)
    with pytest.raises(StoreRejected, match="not made by Diptych"):
        resolve_collection(engine, name)
    with pytest.raises(StoreRejected, match="not made by Diptych"):
        ensure_collection(engine, name, SPACE, CANARY)


@pytest.mark.parametrize(
    "change",
    [{"space": {"model_id": "x"}}, {"canary": None}, {"schema_version": 99}],
    ids=["space", "canary", "version"],
)
def test_damaged_metadata_is_refused(engine: Engine, name: str, change: dict[str, object]) -> None:
    made = ensure_collection(engine, name, SPACE, CANARY)
    engine.update_collection(made.name, metadata=change)
    with pytest.raises(StoreRejected, match=made.name):
        resolve_collection(engine, name)


def test_a_name_that_ends_like_a_generation_is_refused(engine: Engine, name: str) -> None:
    """The next generation of ``name`` will need it."""
    made = ensure_collection(engine, name, SPACE, CANARY)
    with pytest.raises(SettingsError, match="leave the ending out"):
        ensure_collection(engine, f"{name}__g002", SPACE, CANARY)
    assert ensure_collection(engine, made.name, SPACE, CANARY) == made


def test_it_is_all_there_after_reopening(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = str(tmp_path_factory.mktemp("again") / "index")
    with connect(folder) as engine:
        made = ensure_collection(engine, "photos", SPACE, CANARY)
    with connect(folder) as engine:
        assert resolve_collection(engine, "photos") == made


def test_the_collection_of_the_leases_is_none_of_ours(engine: Engine) -> None:
    params = models.VectorParams(size=1, distance=models.Distance.COSINE)
    if not engine.collection_exists(LEASES):
        engine.create_collection(LEASES, params)
    with pytest.raises(SettingsError, match="name another"):
        ensure_collection(engine, LEASES, SPACE, CANARY)
    with pytest.raises(CollectionMissing) as missing:
        resolve_collection(engine, LEASES)
    listed = str(missing.value).partition("there: ")[2].partition(")")[0]
    assert LEASES not in listed
    assert LEASES not in read_names(engine)


def test_a_collection_of_an_older_version_gets_what_it_lacks_and_keeps_its_points(
    engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyword = models.PayloadSchemaType.KEYWORD
    monkeypatch.setattr(payload_indexes, "PAYLOAD_INDEXES", {"title": keyword})
    made = ensure_collection(engine, name, SPACE, CANARY).name
    titles = {1: "The moon", 2: "The moon", 3: "A cat", 4: None}
    engine.upsert(
        made,
        [
            models.PointStruct(id=number, vector=AXIS, payload={"title": title} if title else {})
            for number, title in titles.items()
        ],
    )
    now = {field: PAYLOAD_INDEXES[field] for field in ("title", LABELS, "place")}
    monkeypatch.setattr(payload_indexes, "PAYLOAD_INDEXES", now)
    for _ in range(2):  # as often as one likes
        payload_indexes.ensure_payload_indexes(engine, made)
    if type(engine).__name__ == "MemoryEngine":
        return  # its points are gone before there is another version
    words, _ = engine.scroll(made)
    assert {one.id: (one.payload or {}).get(LABELS) for one in words} == {
        number: [title] if title else None for number, title in titles.items()
    }
    indexed = engine.get_collection(made).payload_schema
    assert all(is_served(index, indexed.get(field)) for field, index in now.items())
    moon = models.FieldCondition(key=LABELS, match=models.MatchText(text="moon"))
    begins = models.FieldCondition(key="title", match=models.MatchPrefix(prefix="The"))
    for condition in (moon, begins):
        assert engine.count(made, models.Filter(must=[condition])).count == 2
