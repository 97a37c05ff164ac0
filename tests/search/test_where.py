from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.conditions import Equals
from schemas.errors import QueryError, UnknownField
from schemas.records import Modality
from schemas.where import Where, field, to_expression
from search.filters import to_filter
from search.where import parse_where

texts = st.text(st.characters(codec="utf-8")).filter(lambda text: bool(text.strip()))
NEW = re.compile(r"^[=\"']|\b(and|or)\b", re.IGNORECASE)


@pytest.mark.parametrize(
    ("expression", "where"),
    [
        ("title=Cats", {"title": "Cats"}),
        (" title = Cats and dogs ", {"title": "Cats and dogs"}),
        ("title=a,b", {"title": ["a", "b"]}),
        (r"title=Cats\, dogs", {"title": "Cats, dogs"}),
        (r"title=a\,b,c\\d", {"title": ["a,b", r"c\d"]}),
        ("title=a=b", {"title": "a=b"}),
        ("title=42", {"title": "42"}),
        ("page=3", {"page": 3}),
        ("page=3,4", {"page": [3, 4]}),
        ("page>=3", {"page": {"gte": 3}}),
        ("page>3", {"page": {"gt": 3}}),
        ("page<=-3", {"page": {"lte": -3}}),
        ("size_bytes<1e6", {"size_bytes": {"lt": 1e6}}),
        ("taken_at<2024-01-01", {"taken_at": {"lt": "2024-01-01"}}),
        ("taken_at=2024", {"taken_at": "2024"}),
        ("metadata.author=Ann", {"metadata.author": "Ann"}),
        ("metadata.year=2024", {"metadata.year": ["2024", 2024]}),
        ("metadata.share=0.5", {"metadata.share": ["0.5", 0.5]}),
        ("metadata.good=true", {"metadata.good": ["true", True]}),
        ("metadata.year>2020", {"metadata.year": {"gt": 2020}}),
        ("metadata.day>2020-01-01", {"metadata.day": {"gt": "2020-01-01"}}),
        (
            "metadata.id=12345678901234567890",
            {"metadata.id": ["12345678901234567890", 1.2345678901234567e19]},
        ),
        ("metadata.id=" + "9" * 5000, {"metadata.id": "9" * 5000}),
    ],
)
def test_an_expression_has_one_reading(expression: str, where: Where) -> None:
    assert parse_where([expression]) == (to_expression(where),)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("title", "column 6: expected an operator .*found the end"),
        ("title=", "lacks a value"),
        ("title=a,,b", "lacks a value"),
        ("title=a\\", "lone backslash"),
        ("page=three", "holds whole numbers"),
        ("page=3.5", "holds whole numbers"),
        ("page>=many", "compared with a number"),
        ("page=" + "9" * 5000, "holds whole numbers"),
    ],
)
def test_a_bad_expression_says_what_is_wrong(expression: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        parse_where([expression])


def test_an_unknown_field_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownField, match=r"'colour'.*height_pixels.*title.*metadata\.NAME"):
        parse_where(["colour=red"])


def test_several_expressions_stand_beside_each_other() -> None:
    assert parse_where(["page>3", "page<9"]) == (field("page") > 3, field("page") < 9)


@given(texts.filter(lambda text: text == text.strip() and not NEW.search(text)))
def test_every_title_without_a_further_condition_can_be_written_without_quotes(title: str) -> None:
    escaped = title.replace("\\", "\\\\").replace(",", "\\,")
    assert parse_where([f"title={escaped}"]) == (Equals("title", title),)


@given(texts, st.sampled_from("'\""))
def test_every_title_can_be_written_in_quotes(title: str, quote: str) -> None:
    escaped = title.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    (expression,) = parse_where([f"title = {quote}{escaped}{quote} and page=3"])
    assert expression == (field("title") == title) & (field("page") == 3)


@given(st.text() | st.from_regex(r"(page|title|taken_at|metadata\.\w)(=|<=|>|<)\S*"))
def test_any_expression_is_a_filter_or_a_query_error(expression: str) -> None:
    with contextlib.suppress(QueryError):
        to_filter(Modality.TEXT, parse_where([expression]))
