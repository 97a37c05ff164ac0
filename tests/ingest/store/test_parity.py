"""The embedded engine against Qdrant's own reference implementation, on points and filters that
nobody thought of."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import models

from ingest.store.connect import connect
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine

INDEXED = {
    "kind": models.PayloadSchemaType.KEYWORD,
    "page": models.PayloadSchemaType.INTEGER,
    "size": models.PayloadSchemaType.FLOAT,
    "at": models.PayloadSchemaType.DATETIME,
}
KINDS = ["cat", "dog", "a fish", ""]
DATES = ["2024-02-29T12:00:00Z", "2024-03-01T00:30:00+01:00", "1999-12-31", "2030-01-01T00:00:00"]
WORDS = ["red cat", "a red dog", "blue"]

kinds, small = st.sampled_from(KINDS), st.integers(-2, 3)
objects = st.fixed_dictionaries({}, optional={"a": small, "b": kinds})
places = st.builds(
    lambda lon, lat: {"lon": lon, "lat": lat}, st.sampled_from([0.0, 2.0]), st.sampled_from([1.0])
)


def or_odd(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, a list of values, null or an empty list."""
    return st.one_of(values, st.lists(values, max_size=2), st.none(), st.just([]))


payloads = st.fixed_dictionaries(
    {},
    optional={
        "kind": or_odd(kinds),
        "page": or_odd(small),
        "size": or_odd(st.sampled_from([-0.5, 0.0, 0.25, 3.0])),
        "at": or_odd(st.sampled_from(DATES)),
        "flag": or_odd(st.booleans()),
        "text": or_odd(st.sampled_from(WORDS)),
        "place": or_odd(places),
        "objects": st.lists(objects, max_size=2),
        "metadata": st.fixed_dictionaries({}, optional={"kind": or_odd(kinds)}),
    },
)
ids = st.one_of(
    st.integers(0, 20), st.integers(0, 20).map(lambda number: str(UUID(int=number << 90)))
)
vectors = st.lists(st.integers(-3, 3).map(float), min_size=3, max_size=3).filter(any)
points = st.lists(
    st.builds(
        lambda i, v, p: models.PointStruct(id=i, vector=v, payload=p), ids, vectors, payloads
    ),
    max_size=8,
    unique_by=lambda point: point.id,
)

bounds = st.fixed_dictionaries({}, optional=dict.fromkeys(("gt", "gte", "lt", "lte"), small))
dates = st.fixed_dictionaries(
    {}, optional={key: st.sampled_from(DATES) for key in ("gt", "gte", "lt", "lte")}
)
keyword_fields = st.sampled_from(["kind", "metadata.kind", "objects[].b"])


def on(
    key: st.SearchStrategy[str] | str, **parts: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    keys = st.just(key) if isinstance(key, str) else key
    return st.builds(models.FieldCondition, key=keys, **parts)


leaves = st.one_of(
    on(keyword_fields, match=st.builds(models.MatchValue, value=kinds)),
    on(keyword_fields, match=st.builds(models.MatchAny, any=st.lists(kinds, max_size=2))),
    on(
        keyword_fields,
        match=st.lists(kinds, min_size=1, max_size=2).map(
            lambda values: models.MatchExcept(**{"except": values})
        ),
    ),
    on("page", match=st.builds(models.MatchValue, value=small)),
    on("page", match=st.builds(models.MatchAny, any=st.lists(small, max_size=2))),
    on("page", range=bounds.map(lambda each: models.Range(**each))),
    on("size", range=bounds.map(lambda each: models.Range(**each))),
    on("at", range=dates.map(lambda each: models.DatetimeRange(**each))),
    on("flag", match=st.builds(models.MatchValue, value=st.booleans())),
    on("text", match=st.builds(models.MatchText, text=st.sampled_from(["red", "cat", "blue"]))),
    on(
        keyword_fields,
        values_count=bounds.filter(any).map(
            lambda each: models.ValuesCount(**{key: max(0, n) for key, n in each.items()})
        ),
    ),
    on(
        "place",
        geo_radius=st.sampled_from([10.0, 1e6]).map(
            lambda metres: models.GeoRadius(center=models.GeoPoint(lon=0, lat=1), radius=metres)
        ),
    ),
    on(
        "place",
        geo_bounding_box=st.just(
            models.GeoBoundingBox(
                top_left=models.GeoPoint(lon=-1, lat=2), bottom_right=models.GeoPoint(lon=1, lat=0)
            )
        ),
    ),
    st.sampled_from(["kind", "page", "flag", "objects", "metadata.kind", "nothing"]).map(
        lambda key: models.IsEmptyCondition(is_empty=models.PayloadField(key=key))
    ),
    st.sampled_from(["kind", "page", "flag", "metadata.kind", "nothing"]).map(
        lambda key: models.IsNullCondition(is_null=models.PayloadField(key=key))
    ),
    st.lists(ids, max_size=3).map(lambda chosen: models.HasIdCondition(has_id=chosen)),
    st.builds(
        lambda a, b: models.NestedCondition(
            nested=models.Nested(
                key="objects",
                filter=models.Filter(
                    must=[
                        models.FieldCondition(key="a", match=models.MatchValue(value=a)),
                        models.FieldCondition(key="b", match=models.MatchValue(value=b)),
                    ]
                ),
            )
        ),
        small,
        kinds,
    ),
)


def combined(conditions: st.SearchStrategy[Any]) -> st.SearchStrategy[models.Filter]:
    some = st.lists(conditions, min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("must", "should", "must_not"), some)),
        st.builds(
            lambda chosen, number: {
                "min_should": models.MinShould(conditions=chosen, min_count=number)
            },
            some,
            st.integers(1, 3),
        ),
    ).map(lambda parts: models.Filter(**parts))


filters = st.recursive(combined(leaves), combined, max_leaves=6)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    folder = str(tmp_path_factory.mktemp("parity") / "index")
    with connect(":memory:") as memory, connect(folder) as embedded:
        for engine in (memory, embedded):
            params = models.VectorParams(size=3, distance=models.Distance.COSINE)
            engine.create_collection("c", params)
            for field, schema in INDEXED.items():
                engine.create_payload_index("c", field, schema)
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
        for field, schema in INDEXED.items():
            engine.create_payload_index("zoo", field, schema)
        engine.upsert("zoo", zoo)
    return both


ZOO: dict[str, list[Any]] = {
    "kind": [*KINDS, ["cat", "dog"], ["a fish"], [], None],
    "page": [-2, 0, 1, 2, 3, [1, 2], [], None],
    "size": [-0.5, 0.0, 0.25, 3.0, [0.25, 3.0], None],
    "at": [*DATES, DATES[:2], None],
    "flag": [True, False, [True, False], None],
    "text": [*WORDS, WORDS[:2], None],
    "place": [
        {"lon": 0.0, "lat": 1.0},
        {"lon": 2.0, "lat": 1.0},
        [{"lon": 0.0, "lat": 1.0}, {"lon": 9.0, "lat": 1.0}],
    ],
    "objects": [[], [{"a": 1, "b": "cat"}], [{"a": 1}, {"b": "cat"}, {"a": 2, "b": "dog"}]],
    "metadata": [{}, {"kind": "cat"}, {"kind": ["dog", "cat"]}, {"kind": None}],
}


def field(key: str, **part: Any) -> models.FieldCondition:
    return models.FieldCondition(key=key, **part)


EACH_KIND: dict[str, models.Condition] = {
    "match a keyword": field("kind", match=models.MatchValue(value="cat")),
    "match an integer": field("page", match=models.MatchValue(value=1)),
    "match true": field("flag", match=models.MatchValue(value=True)),
    "match false": field("flag", match=models.MatchValue(value=False)),
    "match in an object": field("metadata.kind", match=models.MatchValue(value="dog")),
    "match in an array": field("objects[].b", match=models.MatchValue(value="cat")),
    "any keyword": field("kind", match=models.MatchAny(any=["dog", "a fish"])),
    "any integer": field("page", match=models.MatchAny(any=[-2, 3])),
    "except": field("kind", match=models.MatchExcept(**{"except": ["cat", "dog"]})),
    "text": field("text", match=models.MatchText(text="cat")),
    "any word": field("text", match=models.MatchTextAny(text_any="cat blue")),
    "phrase": field("text", match=models.MatchPhrase(phrase="red cat")),
    "prefix": field("kind", match=models.MatchPrefix(prefix="a ")),
    "substring": field("kind", match=models.MatchSubstring(substring="o")),
    "range": field("page", range=models.Range(gt=0, lte=2)),
    "range of floats": field("size", range=models.Range(gte=-0.5, lt=0.25)),
    "range of dates": field("at", range=models.DatetimeRange(gte=DATES[0], lt=DATES[3])),
    "range from a date without a time": field("at", range=models.DatetimeRange(gt="2024-02-29")),
    "count": field("kind", values_count=models.ValuesCount(gte=2)),
    "radius": field(
        "place", geo_radius=models.GeoRadius(center=models.GeoPoint(lon=0, lat=1), radius=10)
    ),
    "box": field(
        "place",
        geo_bounding_box=models.GeoBoundingBox(
            top_left=models.GeoPoint(lon=1, lat=2), bottom_right=models.GeoPoint(lon=3, lat=0)
        ),
    ),
    "polygon": field(
        "place",
        geo_polygon=models.GeoPolygon(
            exterior=models.GeoLineString(
                points=[
                    models.GeoPoint(lon=lon, lat=lat)
                    for lon, lat in ((1, 0), (1, 2), (3, 2), (3, 0), (1, 0))
                ]
            )
        ),
    ),
    "is empty": models.IsEmptyCondition(is_empty=models.PayloadField(key="kind")),
    "is null": models.IsNullCondition(is_null=models.PayloadField(key="kind")),
    "field is empty": field("page", is_empty=True),
    "field is null": field("page", is_null=True),
    "has id": models.HasIdCondition(has_id=[3, 5, 999]),
    "slice": models.SliceCondition(slice=models.Slice(total=3, index=1)),
    "nested": models.NestedCondition(
        nested=models.Nested(
            key="objects",
            filter=models.Filter(
                must=[
                    field("a", match=models.MatchValue(value=1)),
                    field("b", match=models.MatchValue(value="cat")),
                ]
            ),
        )
    ),
    "filter": models.Filter(should=[field("page", match=models.MatchValue(value=1))]),
}


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
