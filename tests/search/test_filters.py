"""Filters, run by the reference engine on made payloads and judged by a plain-Python reading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient, models

from schemas.collection import to_payload, to_point_id
from schemas.errors import QueryError, UnknownField
from schemas.payload_indexes import LABELS, PAYLOAD_INDEXES, index_type
from schemas.records import Chunk, Modality
from schemas.where import field as ask
from search.filters import to_filter
from tests.search.corpus import HASH, to_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.where import Where

DAY_NS = 86_400 * 10**9
WORDS = ["a", "b,c", "Ärger", "2024-01-01"]
DAYS = ["1970-01-01", "1970-01-02", "1970-01-02T12:00:00", "1970-01-03T01:00:00+01:00"]
USER_VALUES = [*WORDS, True, False, 1, 2, 2.0, 2.5]
COMPARE = {"gt": gt, "gte": ge, "lt": lt, "lte": le}

user_fields = st.dictionaries(st.sampled_from(["n", "my key", "a-b"]), st.sampled_from(USER_VALUES))


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    number = draw(st.integers(0, 10**6))
    record = to_record(
        f"item{number}",
        draw(st.sampled_from(Modality)),
        draw(user_fields),
        modified_ns=draw(st.integers(0, 8)) * DAY_NS // 2,
    )
    title = draw(st.none() | st.sampled_from(WORDS))
    side = draw(st.none() | st.integers(1, 4))
    text = "" if record.modality is Modality.IMAGE else "words"
    chunk = Chunk(record, 0, 1, HASH, text=text, title=title, width_pixels=side)
    return to_payload(chunk, "blake3:space")


def bounds_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(list(COMPARE)), values, min_size=1, max_size=2)


def lists_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=3)


def equal_or_one_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | lists_of(values)


words, days = st.sampled_from(WORDS), st.sampled_from(DAYS)
sides, user_values = st.integers(0, 5), st.sampled_from(USER_VALUES)
user_numbers = st.sampled_from([1, 2, 2.25])
user_wanted = equal_or_one_of(user_values) | bounds_of(user_numbers)
wheres = st.fixed_dictionaries(
    {},
    optional={
        "title": equal_or_one_of(words),
        "width_pixels": equal_or_one_of(sides) | bounds_of(sides),
        "modified_at": equal_or_one_of(days) | bounds_of(days),
        "metadata.n": user_wanted,
        "metadata.my key": user_wanted,
        "metadata.a-b": user_wanted,
    },
)


@pytest.fixture(scope="module")
def client() -> Iterator[QdrantClient]:
    client = QdrantClient(":memory:")
    yield client
    client.close()


@settings(max_examples=150, deadline=None)
@given(found=st.lists(payloads(), max_size=8), modality=st.sampled_from(Modality), where=wheres)
def test_a_filter_passes_exactly_what_its_words_say(
    client: QdrantClient, found: list[dict[str, Any]], modality: Modality, where: Where
) -> None:
    by_id = {to_point_id(payload["source_uri"], 0): payload for payload in found}
    passed = ids_that_pass(client, by_id, to_filter(modality, where))
    expected = {
        key
        for key, payload in by_id.items()
        if payload["modality"] == modality and holds(where, payload)
    }
    assert passed == expected


def ids_that_pass(
    client: QdrantClient, by_id: dict[str, dict[str, Any]], filter_: models.Filter
) -> set[str]:
    client.delete_collection("c")
    client.create_collection("c", models.VectorParams(size=2, distance=models.Distance.COSINE))
    if by_id:
        points = [models.PointStruct(id=i, vector=[1, 0], payload=p) for i, p in by_id.items()]
        client.upsert("c", points)
    return {str(point.id) for point in client.scroll("c", filter_, limit=100)[0]}


def holds(where: Where, payload: dict[str, Any]) -> bool:
    assert isinstance(where, Mapping)
    return all(one_holds(field, wanted, payload) for field, wanted in where.items())


def one_holds(field: str, wanted: Any, payload: dict[str, Any]) -> bool:
    value = payload.get(field)
    if field.startswith("metadata."):
        value = payload.get("metadata", {}).get(field.removeprefix("metadata."))
    if value is None:
        return False
    if isinstance(wanted, list):
        return any(one_holds(field, one, payload) for one in wanted)
    is_date = field == "modified_at"
    if isinstance(wanted, Mapping):
        return all(in_bound(value, bound, limit, is_date) for bound, limit in wanted.items())
    if is_date:
        return all(in_bound(value, bound, wanted, is_date) for bound in ("gte", "lte"))
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def in_bound(value: Any, bound: str, limit: Any, is_date: bool) -> bool:  # noqa: FBT001
    if not is_date:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and bool(COMPARE[bound](value, limit))
    moment = datetime.fromisoformat(value)
    if len(limit) == len("1970-01-01"):
        # Whole days compare as days.
        return bool(COMPARE[bound](moment.date(), datetime.fromisoformat(limit).date()))
    at = datetime.fromisoformat(limit)
    return bool(COMPARE[bound](moment, at if at.tzinfo else at.replace(tzinfo=UTC)))


def test_the_modality_is_the_first_condition() -> None:
    condition = models.FieldCondition(key="modality", match=models.MatchValue(value="image"))
    assert to_filter(Modality.IMAGE) == models.Filter(must=[condition])


def test_several_mappings_must_all_hold() -> None:
    filter_ = to_filter(Modality.TEXT, [{"page": {"gt": 1}}, {"page": {"lt": 9}, "title": "a"}])
    assert isinstance(filter_.must, list)
    assert len(filter_.must) == 4


KINDS = {field: index_type(index).value for field, index in PAYLOAD_INDEXES.items()}


@pytest.mark.parametrize("field", sorted({*KINDS} - {LABELS}))
def test_every_indexed_field_can_be_asked_for(field: str) -> None:
    plain: dict[str, str | int] = {"integer": 3, "datetime": "2024-05-31"}
    asked: dict[str, Where] = {
        "text": ask(field).words("moon"),
        "geo": ask(field).near(48.1, 11.5, radius_meters=10),
    }
    filter_ = to_filter(
        Modality.TEXT, asked.get(KINDS[field], {field: plain.get(KINDS[field], "text")})
    )
    assert isinstance(filter_.must, list)
    assert len(filter_.must) == 2


@pytest.mark.parametrize(
    "field", ["colour", "", "location", "headings", "metadata", "Title", LABELS]
)
def test_unknown_fields_are_refused_with_the_known_ones(field: str) -> None:
    with pytest.raises(UnknownField, match="known fields: alt_text, caption"):
        to_filter(Modality.TEXT, {field: "x"})


@pytest.mark.parametrize("field", ["metadata.", "metadata.a..b", 'metadata.a"b'])
def test_malformed_paths_of_user_fields_are_refused(field: str) -> None:
    with pytest.raises(UnknownField, match="not a field path"):
        to_filter(Modality.TEXT, {field: "x"})


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"page": "three"}, "page holds whole numbers; 'three'"),
        ({"page": True}, "page holds whole numbers; True"),
        ({"page": 3.0}, "page holds whole numbers; 3.0"),
        ({"page": 2**63}, "page holds whole numbers"),
        ({"page": [1, "2"]}, "page holds whole numbers; '2'"),
        ({"page": {"gte": "three"}}, "page is compared with a number; 'three'"),
        ({"page": {"gte": float("nan")}}, "nan is not finite"),
        ({"page": {"above": 3}}, "bounds gt, gte, lt, lte; given: 'above'"),
        ({"page": {}}, "given: nothing"),
        ({"page": []}, "empty list"),
        ({"page": None}, "page holds whole numbers; None"),
        ({"title": 3}, "title holds words; 3"),
        ({"title": {"gt": "a"}}, "no order"),
        ({"taken_at": "soon"}, "taken_at: 'soon' is not a date"),
        ({"taken_at": {"lt": "2024-13-01"}}, "'2024-13-01' is not a date"),
        ({"taken_at": {"gt": "99999-12-31"}}, "not a date"),
        ({"page": 10**5_000}, "page holds whole numbers; a number of very many digits"),
        ({"metadata.a": 10**5_000}, "very many digits is not finite"),
        ({"title": "a\udcff"}, "title: .* is not valid Unicode"),
        ({"metadata.a": ["b", "a\udcff"]}, "metadata.a: .* is not valid Unicode"),
        (ask("title").prefix("\udcff"), "title: .* is not valid Unicode"),
        (ask("text").words("a\udcff b"), "text: .* is not valid Unicode"),
        ({"metadata.\udcff": 1}, "is not valid Unicode"),
        ({"taken_at": 2024}, "dates as text"),
        ({"metadata.a": None}, "compared with a number; None"),
        ({"metadata.a": {"gt": 1, "lt": "2024-01-01"}}, "compared with a number"),
        ({"metadata.a": {"gt": "2024-01-01", "lt": 1}}, "dates as text"),
        ("page=3", "give a mapping of fields to values or an expression of .* not str"),
        (["page=3"], "give a mapping"),
    ],
)
def test_a_value_that_does_not_fit_says_so(where: Any, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        to_filter(Modality.TEXT, where)


def test_what_is_wrong_is_told_in_a_line_however_long_it_is() -> None:
    for value in ("x" * 100_000, 10**4_000, ["y"] * 50_000):
        with pytest.raises(QueryError) as caught:
            to_filter(Modality.TEXT, {"page": value})
        assert len(str(caught.value)) < 200


def test_the_last_days_of_the_calendar_are_days() -> None:
    far = ask("taken_at")
    assert to_filter(None, far <= "9999") == to_filter(None, far <= "9999-12")
    assert to_filter(None, far <= "9999") == to_filter(None, far <= "9999-12-31")


@pytest.mark.parametrize("wanted", ["picture", ["image", "video"]])
def test_a_modality_that_there_is_not_is_an_error_not_an_empty_answer(
    wanted: str | list[str],
) -> None:
    with pytest.raises(QueryError, match="modality is one of image, text"):
        to_filter(Modality.IMAGE, {"modality": wanted})
