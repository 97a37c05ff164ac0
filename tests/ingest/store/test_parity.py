"""The embedded engine against Qdrant's own reference implementation, on points and filters that
nobody thought of."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import models

from ingest.store.connect import connect
from schemas.errors import StoreRejected
from tests.ingest.store.filters import (
    EACH_KIND,
    INDEXED,
    ZOO,
    field,
    filters,
    points,
    vectors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    folder = str(tmp_path_factory.mktemp("parity") / "index")
    with connect(":memory:") as memory, connect(folder) as embedded:
        for engine in (memory, embedded):
            params = models.VectorParams(size=3, distance=models.Distance.COSINE)
            engine.create_collection("c", params)
            for key, schema in INDEXED.items():
                engine.create_payload_index("c", key, schema)
        yield memory, embedded


def fill(engines: tuple[Engine, Engine], generated: list[models.PointStruct]) -> None:
    for engine in engines:
        engine.delete("c", models.Filter())
        if generated:
            engine.upsert("c", generated)


@pytest.fixture(scope="module")
def zoo(both: tuple[Engine, Engine]) -> tuple[Engine, Engine]:
    """Both engines with one collection of 150 points of all kinds of payload."""
    chosen = random.Random(7)  # noqa: S311 - a fixed variety, no secret
    zoo = [
        models.PointStruct(
            id=number,
            vector=[chosen.uniform(-1, 1) for _ in range(3)],
            payload={
                key: chosen.choice(values) for key, values in ZOO.items() if chosen.random() < 0.8
            },
        )
        for number in range(150)
    ]
    for engine in both:
        params = models.VectorParams(size=3, distance=models.Distance.COSINE)
        engine.create_collection("zoo", params)
        for key, schema in INDEXED.items():
            engine.create_payload_index("zoo", key, schema)
        engine.upsert("zoo", zoo)
    return both


@pytest.mark.parametrize("kind", EACH_KIND)
def test_each_kind_of_condition_means_the_same(zoo: tuple[Engine, Engine], kind: str) -> None:
    chosen = models.Filter(must=[EACH_KIND[kind]])
    expected, actual = (ids_of(engine, chosen) for engine in zoo)
    assert actual == expected
    assert 0 < len(expected) < 150, "the condition tells no points apart: the test says nothing"


def test_a_condition_has_one_predicate(zoo: tuple[Engine, Engine]) -> None:
    none = models.FieldCondition(key="page")
    two = field("page", match=models.MatchValue(value=1), range=models.Range(lt=2))
    for condition, said in ((none, "says nothing"), (two, "says match, range")):
        with pytest.raises(StoreRejected, match=said):
            zoo[1].count("zoo", models.Filter(must=[condition]))


def ids_of(engine: Engine, chosen: models.Filter) -> list[models.ExtendedPointId]:
    return [point.id for point in engine.scroll("zoo", chosen, limit=200)[0]]


SETTINGS = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@settings(SETTINGS, max_examples=150)
@given(chosen=filters)
def test_the_same_points_pass_a_filter(zoo: tuple[Engine, Engine], chosen: models.Filter) -> None:
    expected, actual = (ids_of(engine, chosen) for engine in zoo)
    assert actual == expected
    assert zoo[1].count("zoo", chosen).count == len(expected)


@SETTINGS
@given(generated=points, chosen=filters, query=vectors, data=st.data())
def test_the_same_points_are_found_with_the_same_scores(
    both: tuple[Engine, Engine],
    generated: list[models.PointStruct],
    chosen: models.Filter,
    query: list[float],
    data: st.DataObject,
) -> None:
    fill(both, generated)
    limit = data.draw(st.integers(1, 9))
    expected, actual = (
        engine.query_points("c", query, query_filter=chosen, limit=limit).points for engine in both
    )
    assert_same_ranking(expected, actual)


def assert_same_ranking(
    expected: list[models.ScoredPoint], actual: list[models.ScoredPoint]
) -> None:
    """Equal scores place by place, and equal ids but where scores tie."""
    assert [hit.score for hit in actual] == pytest.approx([hit.score for hit in expected], abs=1e-5)
    last = expected[-1].score if expected else 0
    for hit in actual:
        # The cut at the limit may fall inside a tie: its members are interchangeable.
        if not math.isclose(hit.score, last, abs_tol=1e-5):
            assert hit.id in [other.id for other in expected]


@SETTINGS
@given(generated=points, chosen=filters)
def test_the_same_points_are_deleted(
    both: tuple[Engine, Engine], generated: list[models.PointStruct], chosen: models.Filter
) -> None:
    fill(both, generated)
    left = []
    for engine in both:
        engine.delete("c", chosen)
        left.append([point.id for point in engine.scroll("c", limit=100)[0]])
    assert left[0] == left[1]


@SETTINGS
@given(generated=points, query=vectors, limit=st.integers(1, 4), group_size=st.integers(1, 3))
def test_the_same_groups_are_found(
    both: tuple[Engine, Engine],
    generated: list[models.PointStruct],
    query: list[float],
    limit: int,
    group_size: int,
) -> None:
    fill(both, generated)
    expected, actual = (
        engine.query_points_groups("c", "kind", query, limit=limit, group_size=group_size).groups
        for engine in both
    )
    assert [[hit.score for hit in group.hits] for group in actual] == [
        pytest.approx([hit.score for hit in group.hits], abs=1e-5) for group in expected
    ]
