"""Generations beside the live one, and every step of them cut short."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from qdrant_client import models

from ingest.store import payload_indexes
from ingest.store.collections import ensure_collection, read_collection, resolve_collection
from ingest.store.generations import (
    BUILDING,
    PREVIOUS,
    PUBLISHING,
    STATE,
    ensure_building,
    list_generations,
    prune,
    publish,
    roll_back,
)
from schemas.errors import CollectionMissing, MigrationRefused, StoreUnavailable
from tests.ingest.store.samples import create, point_alias
from tests.ingest.store.test_collections import (
    CANARY,
    FEW_INDEXES,
    OTHER,
    POINT,
    SPACE,
    remove_alias,
)

if TYPE_CHECKING:
    from ingest.store.engine import Engine

THIRD = replace(SPACE, model_id="third", revision="3")


@pytest.fixture(autouse=True)
def few_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload_indexes, "PAYLOAD_INDEXES", FEW_INDEXES)


@pytest.fixture
def live(engine: Engine, name: str) -> str:
    return ensure_collection(engine, name, SPACE, CANARY).name


def build(engine: Engine, name: str, target: str = "t") -> str:
    return ensure_building(engine, name, OTHER, CANARY, target).name


def build_and_publish(engine: Engine, name: str, target: str) -> str:
    made = build(engine, name, target)
    publish(engine, name, made)
    return made


def cut(*_: object, **__: object) -> None:
    raise StoreUnavailable("the connection is lost")


def test_a_building_generation_is_beside_the_live_one(engine: Engine, name: str, live: str) -> None:
    made = ensure_building(engine, name, OTHER, CANARY, "t")
    assert (made.name, made.space) == (f"{name}__g002", OTHER)
    assert resolve_collection(engine, name).name == live
    assert ensure_collection(engine, name, SPACE, CANARY).name == live
    engine.upsert(made.name, [POINT])
    first, second = list_generations(engine, name, counts=True)
    assert (first.name, first.number, first.model_id, first.points) == (live, 1, "legible", 0)
    assert (first.is_live, first.is_building) == (True, False)
    assert (second.name, second.number, second.model_id, second.points) == (
        made.name,
        2,
        "another",
        1,
    )
    assert (second.is_live, second.is_building) == (False, True)
    assert list_generations(engine, name)[1].points is None


@pytest.mark.usefixtures("live")
def test_an_interrupted_build_is_known_by_its_target(engine: Engine, name: str) -> None:
    made = build(engine, name, "one")
    assert build(engine, name, "two") == f"{name}__g003"
    assert build(engine, name, "one") == made
    assert ensure_building(engine, name, THIRD, CANARY, "one").name == f"{name}__g004"


@pytest.mark.usefixtures("live")
def test_a_build_that_was_cut_short_gets_the_payload_indexes_it_lacks(
    engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(engine, "create_payload_index", cut)
        with pytest.raises(StoreUnavailable):
            build(engine, name)
    assert build(engine, name) == f"{name}__g002"
    if type(engine).__name__ != "MemoryEngine":
        assert set(engine.get_collection(f"{name}__g002").payload_schema) == set(FEW_INDEXES)


def test_publishing_is_one_lone_create_alias(
    engine: Engine, name: str, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = build(engine, name)
    operations: list[models.AliasOperations] = []
    change = engine.update_collection_aliases

    def record(given: list[models.AliasOperations]) -> bool:
        operations.extend(given)
        return change(given)

    monkeypatch.setattr(engine, "update_collection_aliases", record)
    assert publish(engine, name, made) == live
    alias = models.CreateAlias(collection_name=made, alias_name=name)
    assert operations == [models.CreateAliasOperation(create_alias=alias)]
    published = resolve_collection(engine, name)
    assert (published.name, published.metadata[PREVIOUS]) == (made, live)
    assert published.metadata.get(STATE) is None


def test_publishing_again_keeps_the_way_back(engine: Engine, name: str, live: str) -> None:
    made = build_and_publish(engine, name, "t")
    assert publish(engine, name, made) == made
    assert roll_back(engine, name) == (live, made)


def test_a_publication_cut_short_before_the_alias_moves_is_resumed(
    engine: Engine, name: str, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = build(engine, name)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "update_collection_aliases", cut)
        with pytest.raises(StoreUnavailable):
            publish(engine, name, made)
    assert read_collection(engine, made).metadata[STATE] == PUBLISHING
    assert resolve_collection(engine, name).name == live
    assert prune(engine, name, keep=0) == []
    resumed = ensure_building(engine, name, OTHER, CANARY, "t")
    assert (resumed.name, resumed.metadata[STATE]) == (made, BUILDING)
    publish(engine, name, made)
    assert resolve_collection(engine, name).name == made


def test_a_publication_cut_short_after_the_alias_moved_is_done(
    engine: Engine, name: str, live: str
) -> None:
    made = build(engine, name)
    marks = {STATE: PUBLISHING, PREVIOUS: live}
    engine.update_collection(made, metadata=marks)
    point_alias(engine, name, made)
    assert not list_generations(engine, name)[1].is_building
    third = build_and_publish(engine, name, "more")
    assert read_collection(engine, made).metadata.get(STATE) is None
    assert roll_back(engine, name) == (made, third)
    assert roll_back(engine, name) == (live, made)


def test_without_a_former_generation_there_is_no_way_back(
    engine: Engine, name: str, live: str
) -> None:
    with pytest.raises(MigrationRefused, match="no generation to roll back to"):
        roll_back(engine, name)
    build_and_publish(engine, name, "t")
    engine.delete_collection(live)
    with pytest.raises(MigrationRefused, match=f"{live} has been removed"):
        roll_back(engine, name)
    with pytest.raises(MigrationRefused, match="no generation"):
        roll_back(engine, f"{name}_x")


def test_pruning_keeps_the_live_one_the_way_back_and_what_is_being_built(
    engine: Engine, name: str, live: str
) -> None:
    second, third = (build_and_publish(engine, name, target) for target in ("2", "3"))
    fourth = build(engine, name, "4")
    assert prune(engine, name) == [live]
    assert prune(engine, name) == []
    roll_back(engine, name)
    assert resolve_collection(engine, name).name == second
    assert prune(engine, name, keep=0) == [third]
    assert prune(engine, name, keep=0, abandon=True) == [fourth]
    assert [one.name for one in list_generations(engine, name)] == [second]


@pytest.mark.usefixtures("live")
def test_the_number_of_a_removed_generation_is_not_given_again(engine: Engine, name: str) -> None:
    build_and_publish(engine, name, "2")
    roll_back(engine, name)
    assert prune(engine, name, keep=0) == [f"{name}__g002"]
    assert build_and_publish(engine, name, "3") == f"{name}__g003"
    assert prune(engine, name, keep=0) == [f"{name}__g001"]
    assert build(engine, name, "4") == f"{name}__g004"


def test_a_generation_with_an_alias_of_somebody_elses_is_not_pruned(
    engine: Engine, name: str, live: str
) -> None:
    build_and_publish(engine, name, "2")
    point_alias(engine, f"{name}-frozen", live)
    assert prune(engine, name, keep=0) == []
    remove_alias(engine, f"{name}-frozen")
    assert prune(engine, name, keep=0) == [live]


def test_without_a_live_generation_nothing_is_pruned(engine: Engine, name: str, live: str) -> None:
    remove_alias(engine, name)
    with pytest.raises(CollectionMissing, match="no live generation"):
        prune(engine, name, keep=0)
    assert engine.collection_exists(live)


def test_what_is_foreign_or_damaged_is_left_out_and_alone(
    engine: Engine, name: str, live: str
) -> None:
    create(engine, f"{name}__g007")
    made = build_and_publish(engine, name, "t")
    damaged = build(engine, name, "u")
    engine.update_collection(damaged, metadata={"space": {"model_id": "x"}})
    assert made == f"{name}__g008"
    assert [one.name for one in list_generations(engine, name)] == [live, made]
    assert prune(engine, name, keep=0, abandon=True) == [live]
    assert engine.collection_exists(damaged)


def test_a_lost_alias_goes_to_a_whole_generation_not_to_one_being_built(
    engine: Engine, name: str, live: str
) -> None:
    engine.upsert(live, [POINT])
    building = ensure_building(engine, name, SPACE, CANARY, "t").name
    remove_alias(engine, name)
    assert ensure_collection(engine, name, SPACE, CANARY).name == live
    assert read_collection(engine, building).metadata[STATE] == BUILDING


def test_with_nothing_else_a_building_one_is_taken_if_it_is_of_the_space(
    engine: Engine, name: str, live: str
) -> None:
    building = build(engine, name)
    engine.upsert(building, [POINT])
    engine.delete_collection(live)
    assert ensure_collection(engine, name, SPACE, CANARY).name == f"{name}__g003"
    engine.delete_collection(f"{name}__g003")
    adopted = ensure_collection(engine, name, OTHER, CANARY)
    assert (adopted.name, adopted.metadata.get(STATE)) == (building, None)
    assert engine.count(name).count == 1


def test_a_kept_generation_that_is_alike_is_built_in_again(
    engine: Engine, name: str, live: str
) -> None:
    made = build_and_publish(engine, name, "t")
    roll_back(engine, name)
    assert ensure_building(engine, name, THIRD, CANARY, "u", is_alike=lambda _: True).name == (
        f"{name}__g003"
    )
    assert ensure_building(engine, name, OTHER, CANARY, "u", is_alike=made.__eq__).name == made
    assert read_collection(engine, made).metadata[STATE] == BUILDING
    publish(engine, name, made)
    assert roll_back(engine, name) == (live, made)


def test_a_rollback_still_goes_to_one_that_is_built_in_again(
    engine: Engine, name: str, live: str
) -> None:
    made = build_and_publish(engine, name, "t")
    again = ensure_building(engine, name, SPACE, CANARY, "u", is_alike=lambda _: True)
    assert again.name == live
    assert prune(engine, name, abandon=True) == []
    assert roll_back(engine, name) == (live, made)
    assert STATE not in {
        key for key, value in read_collection(engine, live).metadata.items() if value
    }
