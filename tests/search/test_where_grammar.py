"""The language of ``--where``: what its sentences mean, and what is said of those it lacks."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.conditions import MAX_DEPTH, Expression
from schemas.errors import QueryError, UnknownField
from schemas.records import Modality
from schemas.where import field
from search.filters import to_filter
from search.where import parse_where

PAGE = field("page") == 3
TITLE = field("title") == "a"


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("page = 3 and title = a", PAGE & TITLE),
        ("page=3 or title=a", PAGE | TITLE),
        ("page = 3 or title = a and page = 3", PAGE | (TITLE & PAGE)),
        ("(page = 3 or title = a) and page = 3", (PAGE | TITLE) & PAGE),
        ("not page = 3", ~PAGE),
        ("NOT (page = 3 AND title = a)", ~(PAGE & TITLE)),
        ("page != 3", ~PAGE),
        ("page == 3", PAGE),
        ("keywords in (cat, 'dog house')", field("keywords").one_of("cat", "dog house")),
        ("keywords not in (cat)", ~(field("keywords") == "cat")),
        ("keywords = cat, dog and page = 3", field("keywords").one_of("cat", "dog") & PAGE),
        ("title = 'it\\'s'", field("title") == "it's"),
        ('title = "and"', field("title") == "and"),
        ("title = in", field("title") == "in"),
        ('title prefix "The "', field("title").prefix("The ")),
        ('text ~ "the moon"', field("text").words("the moon")),
        ("words ~ moon", field("words").words("moon")),
        ("page exists", field("page").exists()),
        ("place missing and page = 3", field("place").missing() & PAGE),
        ("near(48.1, -11.5, 10km)", field("place").near(48.1, -11.5, radius_meters=10_000)),
        ("near(48,11,500 m)", field("place").near(48, 11, radius_meters=500)),
        (
            "near(metadata.spot, 1, 2, 2mi)",
            field("metadata.spot").near(1, 2, radius_meters=3_218.688),
        ),
        (
            "within(-40, 170, 0, -170)",
            field("place").within(south=-40, west=170, north=0, east=-170),
        ),
        ('metadata."my key" = "3"', field("metadata.my key") == "3"),
        ('metadata."a.b" = "3"', field('metadata."a.b"') == "3"),
        (
            "metadata.id = 1234567890123456789",
            field("metadata.id").one_of("1234567890123456789", 1234567890123456789),
        ),
        ("size_bytes = 9223372036854775807", field("size_bytes") == 2**63 - 1),
        ("metadata.a-b = 3", field("metadata.a-b").one_of("3", 3)),
        ("metadata.url = https://x?a=b", field("metadata.url") == "https://x?a=b"),
        (
            "taken_at >= 2024-05 and taken_at < 2025",
            (field("taken_at") >= "2024-05") & (field("taken_at") < "2025"),
        ),
    ],
)
def test_a_sentence_has_one_meaning(sentence: str, meant: Expression) -> None:
    assert parse_where([sentence]) == (meant,)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("", "column 1: expected a condition .*found the end"),
        ("page", "column 5: expected an operator .*~ in.*found the end"),
        ("page = 3 and", "column 13: expected a condition .*found the end"),
        ("(page = 3", "column 10: expected '[)]'|column 10: expected ',' or '[)]'"),
        ("page = 3 and title = a)", "column 23: expected .*found '[)]'"),
        ("taken_at >= and page = 3", "column 13: expected a value.*found 'and page = 3'"),
        ('title = "abc', "column 9: this quote is not closed"),
        ("title like abc", "column 7: expected an operator .*found 'like abc'"),
        ("keywords in (a, b", "column 18: expected ',' or '[)]'; found the end"),
        ("near(48, 11)", "column 12: expected"),
        ("near(48, 11, 10)", "column 14: expected a distance like 10km"),
        ("page = 3 and near(99, 0, 1km)", "column 14: latitude 99.0"),
        ("page = 3 and (page = three)", "column 15: page holds whole numbers; 'three'"),
        ("page = 3 and caption = x", "column 14: caption has no value .*~ .words.*exists"),
        ("page prefix 3", "column 1: page has no prefixes; it takes =, !=, in"),
        ("root prefix x", "column 1: root has no prefixes"),
        ("title > a", "column 1: title has no order; it takes .*prefix, ~"),
        ("near(title, 1, 2, 3km)", "column 6: title is no place"),
        ("words exists", "words is no field of its own"),
        ("title ~ '?!'", "has no word"),
    ],
)
def test_a_mistake_is_shown_at_its_column(sentence: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        parse_where([sentence])


def test_an_unknown_field_is_named_with_its_column_and_its_likes() -> None:
    with pytest.raises(UnknownField, match=r"column 14: .*'titel' \(did you mean title\?\); known"):
        parse_where(["page = 3 and titel = x"])


@pytest.mark.parametrize(
    "sentence",
    [
        "(" * 40_000,
        "(" * 40_000 + "page = 3" + ")" * 40_000,
        "not " * 20_000 + "page = 3",
        " and ".join(["page = 3"] * 5_000),
        "page = 3 or (page = 3 and (" * 3_000,
        "page in (" + ",".join(["3"] * 20_000) + ")",
        "x" * 200_000,
        "page = " + "9" * 90_000,
        "near(" + "9" * 90_000 + ", 1, 1km)",
        "near(1, 1, \u0663km)",
        "near(1, 1, 1\u0663km)",
        "metadata.n = " + "9" * 5_000,
        "metadata.n[" + "9" * 30 + "] = 1",
    ],
    ids=range(13),
)
def test_a_hostile_sentence_is_an_error_or_an_expression_never_a_crash(sentence: str) -> None:
    with contextlib.suppress(QueryError):
        to_filter(Modality.TEXT, parse_where([sentence]))


def test_depth_is_limited_where_it_is_real() -> None:
    def nested(levels: int) -> str:
        return "page = 3 or (page = 3 and (" * levels + "page = 3" + "))" * levels

    (expression,) = parse_where([nested(MAX_DEPTH // 2 - 1)])
    assert expression.depth == MAX_DEPTH - 1
    with pytest.raises(QueryError, match="levels"):
        parse_where([nested(MAX_DEPTH)])


PIECES = """page title = != >= ~ in not and or ( ) , 3 'a' " near within prefix exists 10km -48.1
metadata.n \\ ß \0 2024"""
pieces = st.sampled_from(PIECES.split())


@settings(max_examples=300)
@given(st.lists(pieces, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_sentence_is_a_filter_or_a_query_error(sentence: str) -> None:
    with contextlib.suppress(QueryError):
        to_filter(Modality.TEXT, parse_where([sentence]))
