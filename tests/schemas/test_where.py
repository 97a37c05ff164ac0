"""Conditions in Python and in JSON: what can be said, and what is refused when it is said."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.conditions import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    And,
    Equals,
    Exists,
    Expression,
    Near,
    Not,
    OneOf,
    Or,
    Prefix,
    Range,
    Within,
    Words,
)
from schemas.errors import QueryError
from schemas.where import Where, field, to_expression
from schemas.where_json import from_json, to_json

PAGE = field("page") == 3
names = st.sampled_from(["title", "page", "metadata.n"])
scalars = st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans()
degrees = st.floats(-90, 90)
leaves = st.one_of(
    st.builds(Equals, names, scalars),
    st.builds(OneOf, names, st.lists(scalars, min_size=1).map(tuple)),
    st.builds(lambda name, low: Range(name, gte=low), names, scalars),
    st.builds(Prefix, names, st.text(min_size=1)),
    st.builds(Words, names, st.text()),
    st.builds(Exists, names),
    st.builds(Near, names, degrees, degrees, st.floats(1, 1e7)),
    st.builds(Within, names, st.just(-1.5), degrees, st.just(2.0), degrees),
)
expressions = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda some: And(tuple(some)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda some: Or(tuple(some)))
        | inner.map(Not)
    ),
    max_leaves=8,
)


def test_comparisons_are_conditions() -> None:
    assert (field("page") > 3) == Range("page", gt=3)
    assert (field("page") <= 3) == Range("page", lte=3)
    assert field("page").between(2, 5) == Range("page", gte=2, lte=5)
    assert (field("title") != "a") == Not(Equals("title", "a"))
    assert ~field("keywords").one_of("a", "b") == Not(OneOf("keywords", ("a", "b")))
    assert field("page").missing() == Not(Exists("page"))
    assert field("place").near(48, 11, radius_meters=5) == Near("place", 48, 11, 5)


def test_dates_become_text() -> None:
    assert (field("taken_at") >= date(2024, 5, 1)) == Range("taken_at", gte="2024-05-01")
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert (field("taken_at") < noon) == Range("taken_at", lt="2024-05-01T12:00:00+00:00")
    assert to_expression({"taken_at": {"lt": date(2024, 5, 1)}}) == (  # type: ignore[dict-item]
        field("taken_at") < "2024-05-01"
    )


def test_combinations_stay_flat() -> None:
    other = field("title") == "a"
    assert PAGE & other & PAGE == And((PAGE, other, PAGE))
    assert PAGE | (other | PAGE) == Or((PAGE, other, PAGE))
    assert PAGE & other | PAGE == Or((And((PAGE, other)), PAGE))
    assert ~~PAGE == PAGE


def test_a_mapping_is_all_of_its_fields() -> None:
    where: Where = {"page": [1, 2], "title": "a", "size_bytes": {"gte": 1, "lt": 9}}
    assert to_expression([where, PAGE]) == And(
        (OneOf("page", (1, 2)), Equals("title", "a"), Range("size_bytes", gte=1, lt=9), PAGE)
    )
    assert to_expression(None) is None
    assert to_expression({}) is None
    assert to_expression([PAGE]) == PAGE


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: bool(PAGE and PAGE),
        lambda: not PAGE,
        lambda: 1 < field("page") < 5,
        lambda: PAGE & True,  # type: ignore[operator]
        lambda: PAGE | "title = a",  # type: ignore[operator]
        lambda: And(()),
        lambda: And((1,)),  # type: ignore[arg-type]
        lambda: field("page").one_of(),
        lambda: Range("page"),
        lambda: field("title").prefix(""),
        lambda: field("place").near(91, 0, radius_meters=1),
        lambda: field("place").near(0, 181, radius_meters=1),
        lambda: field("place").near(float("nan"), 0, radius_meters=1),
        lambda: field("place").near(0, 0, radius_meters=0),
        lambda: field("place").near(0, 0, radius_meters=float("inf")),
        lambda: field("place").near(10**400, 0, radius_meters=1),
        lambda: field("place").within(south=2, west=0, north=1, east=1),
        lambda: field("place").within(south="1", west=0, north=2, east=1),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_written(misuse: Any) -> None:
    with pytest.raises(QueryError, match="where: "):
        misuse()


def test_nothing_nests_deeper_or_gets_larger_than_a_store_takes() -> None:
    deep: Expression = PAGE
    for number in range(MAX_DEPTH - 1):
        deep = (deep | PAGE) if number % 2 else (deep & PAGE)
    assert deep.depth == MAX_DEPTH
    with pytest.raises(QueryError, match=f"{MAX_DEPTH + 1} levels"):
        deep & PAGE if isinstance(deep, Or) else deep | PAGE
    assert And((PAGE,) * MAX_CONDITIONS).size == MAX_CONDITIONS
    with pytest.raises(QueryError, match="one_of"):
        And((PAGE,) * (MAX_CONDITIONS + 1))


@given(expressions)
def test_an_expression_is_the_same_after_json_and_after_a_pickle(expression: Expression) -> None:
    assert from_json(json.loads(json.dumps(to_json(expression)))) == expression
    again = pickle.loads(pickle.dumps(expression))  # noqa: S301 - our own
    assert (again, again.depth, again.size) == (expression, expression.depth, expression.size)
    assert hash(again) == hash(expression)


def test_json_has_one_form() -> None:
    expression = (field("page") >= 2) & ~field("place").near(48.1, 11.5, radius_meters=10)
    assert to_json(expression) == {
        "and": [
            {"field": "page", "gte": 2},
            {
                "not": {
                    "field": "place",
                    "near": {"latitude": 48.1, "longitude": 11.5, "radius_meters": 10},
                }
            },
        ]
    }
    assert from_json({"page": {"gte": 2}, "title": ["a"]}) == And(
        (Range("page", gte=2), OneOf("title", ("a",)))
    )
    assert from_json({"field": "page", "exists": False}) == field("page").missing()


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        {},
        "page = 3",
        {"and": {}},
        {"and": []},
        {"or": [1]},
        {"not": []},
        {"and": [{"page": 1}], "or": [{"page": 1}]},
        {"field": "page"},
        {"field": 3, "equals": 1},
        {"field": "page", "above": 1},
        {"field": "page", "equals": 1, "gt": 1},
        {"field": "page", "one_of": "a"},
        {"field": "page", "one_of": []},
        {"field": "page", "exists": 1},
        {"field": "title", "prefix": 3},
        {"field": "place", "near": {"latitude": 1}},
        {"field": "place", "near": {"latitude": "1", "longitude": 1, "radius_meters": 1}},
        {"field": "place", "within": [1, 2, 3, 4]},
    ],
)
def test_json_that_is_no_condition_is_refused(tree: object) -> None:
    with pytest.raises(QueryError, match="where: "):
        from_json(tree)


@pytest.mark.parametrize("kind", ["not", "and"])
def test_json_that_nests_without_end_is_an_error_not_a_crash(kind: str) -> None:
    tree: Any = {"page": 3}
    for _ in range(100_000):
        tree = {kind: tree if kind == "not" else [tree]}
    with pytest.raises(QueryError, match="levels"):
        from_json(tree)
    while "page" not in tree:  # taken apart by hand: freeing it would recurse as deep
        tree = tree[kind] if kind == "not" else tree[kind][0]


json_values = st.recursive(
    st.none() | scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "field", "gt", "one_of", "near", "page"]), inner
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_json_is_an_expression_or_a_query_error(tree: object) -> None:
    try:
        expression = from_json(tree)
    except QueryError:
        return
    assert isinstance(expression, Expression)
