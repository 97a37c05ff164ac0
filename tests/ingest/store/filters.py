"""Payloads, points and filters of every kind, fixed and made by hypothesis.

Import it as ``from tests.ingest.store.filters import ...``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from qdrant_client import models

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
    "range with two bounds a side": field("page", range=models.Range(gt=-1, gte=1, lt=2, lte=1)),
    "range of dates with two bounds a side": field(
        "at",
        range=models.DatetimeRange(gt=DATES[2], gte=DATES[0], lt=DATES[3], lte=DATES[1]),
    ),
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
