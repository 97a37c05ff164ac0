"""The filter language on every engine, judged by a plain-Python reading of the same expression."""

from __future__ import annotations

import math
import os
import random
import re
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import models

from ingest.store.payload_indexes import ensure_payload_indexes
from schemas.collection import to_payload
from schemas.conditions import (
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
from schemas.payload_indexes import LABEL_FIELDS
from schemas.query import Target
from schemas.records import Chunk, Modality, Place
from schemas.where import field
from search.facets import FacetRequest
from search.filters import to_filter
from tests.ingest.store.samples import reach
from tests.loopback.server import serving
from tests.search.corpus import HASH, to_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine

NAME = f"zoo_{uuid4().hex}"
TITLES = ["The moon", "the Moon, again", "Sea & moon", "moonlight", "Ärger im Büro", "x_y-z", "!"]
KEYWORDS = ["cat", "dog", "Cat", "b,c", "sea side"]
PASSAGES = ["A red cat sat.", "the SEA; the moon", "ärger: 42", "It's a cat_dog"]
MOMENTS = [
    "1999-12-31T23:59:59",
    "2024-02-29",
    "2024-05-01T00:00:00+02:00",
    "2024-05-01T12:00:00",
    "2025-01-01T00:00:00+00:00",
]
DAYS = ["1999", "2024", "2024-04", "2024-04-30", "2024-05-01", "2024-05-01T12:00:00", "2025"]
CITIES = {
    "Munich": Place(48.137, 11.575),
    "Augsburg": Place(48.371, 10.898),
    "Sydney": Place(-33.868, 151.209),
    "Suva": Place(-18.141, 178.442),
    "Apia": Place(-13.833, -171.767),
    "Tromso": Place(69.649, 18.956),
}
OWN = ["a", "3", 3, 3.0, 2.5, True, False, ["a", 2], "2024-05-01"]
RADII = [1_000.0, 70_000.0, 1_500_000.0, 4_000_000.0]  # no two cities are nearly so far apart


def to_zoo() -> dict[int, dict[str, Any]]:
    chosen = random.Random(11)  # noqa: S311 - a fixed variety, no secret

    def some(values: list[Any]) -> Any:
        return chosen.choice(values) if chosen.random() < 0.7 else None

    def to_one(number: int) -> dict[str, Any]:
        modality = chosen.choice(list(Modality))
        own = some(OWN)
        record = to_record(f"item{number}", modality, {} if own is None else {"n": own})
        return to_payload(
            Chunk(
                record,
                0,
                1,
                HASH,
                text=chosen.choice(PASSAGES) if modality is Modality.TEXT else "",
                title=some(TITLES),
                caption=some(PASSAGES),
                page=some([1, 2, 3]),
                taken_at=some(MOMENTS),
                keywords=tuple(chosen.sample(KEYWORDS, chosen.randint(0, 2))),
                place=some(list(CITIES.values())),
            ),
            "blake3:space",
        )

    return {number: to_one(number) for number in range(1, 151)}


ZOO = to_zoo()


@pytest.fixture(
    scope="module",
    params=["memory", "embedded", "rest", pytest.param("server", marks=pytest.mark.server)],
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Each engine with the zoo in it, under all payload indexes."""
    if request.param == "rest":
        with serving() as server:
            yield from filled(server.url)
        return
    addresses = {
        "memory": ":memory:",
        "embedded": str(tmp_path_factory.mktemp("where") / "index"),
        "server": os.environ.get("QDRANT_URL"),
    }
    found = addresses[request.param]
    if found is None:
        pytest.skip("QDRANT_URL is not set: name a Qdrant server to run the server suite")
    yield from filled(found)


def filled(address: str) -> Iterator[Engine]:
    with reach(address) as engine:
        params = models.VectorParams(size=2, distance=models.Distance.COSINE)
        engine.create_collection(NAME, params)
        ensure_payload_indexes(engine, NAME)
        engine.upsert(
            NAME,
            [
                models.PointStruct(id=number, vector=[1.0, float(number)], payload=payload)
                for number, payload in ZOO.items()
            ],
        )
        yield engine
        if address == os.environ.get("QDRANT_URL"):
            engine.delete_collection(NAME)


keywords, titles = st.sampled_from(KEYWORDS), st.sampled_from(TITLES)
words = st.sampled_from(["moon", "the MOON", "cat", "ärger", "x", "dog cat", "moon sea", "42", "s"])
bounds = st.sampled_from(["gt", "gte", "lt", "lte"])
conditions = st.one_of(
    titles.map(lambda title: field("title") == title),
    st.sampled_from(["The ", "the", "m", "Ä", "x_"]).map(field("title").prefix),
    st.builds(
        lambda name, text: field(name).words(text),
        st.sampled_from(["title", "text", "caption", "words"]),
        words,
    ),
    st.lists(keywords, min_size=1, max_size=2).map(lambda some: field("keywords").one_of(*some)),
    keywords.map(lambda one: field("keywords") != one),
    st.builds(lambda bound, page: Range("page", **{bound: page}), bounds, st.integers(0, 4)),
    st.lists(st.integers(0, 4), min_size=1, max_size=2).map(lambda some: OneOf("page", (*some,))),
    st.builds(lambda bound, day: Range("taken_at", **{bound: day}), bounds, st.sampled_from(DAYS)),
    st.sampled_from(DAYS).map(lambda day: field("taken_at") == day),
    st.sampled_from(
        ["title", "keywords", "page", "taken_at", "place", "caption", "metadata.n"]
    ).map(lambda name: field(name).exists()),
    st.builds(
        lambda place, radius: Near("place", place.latitude, place.longitude, radius),
        st.sampled_from(list(CITIES.values())),
        st.sampled_from(RADII),
    ),
    st.sampled_from(
        [
            (0, 0, 60, 20),
            (-40, 170, 0, -170),
            (-90, -180, 90, 180),
            (-90, 170, 90, -170),
            (0, 0, 90, 180),
        ]
    ).map(lambda box: Within("place", *map(float, box))),
    st.sampled_from(["a", 3, 2.5, 2, True]).map(lambda own: field("metadata.n") == own),
    st.builds(lambda b, own: Range("metadata.n", **{b: own}), bounds, st.sampled_from([2, 3])),
)
expressions = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: And(tuple(some))),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: Or(tuple(some))),
        inner.map(Not),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(expression=expressions, modality=st.sampled_from(Modality))
def test_exactly_the_points_pass_that_meet_the_expression(
    engine: Engine, expression: Expression, modality: Modality
) -> None:
    found, _ = engine.scroll(NAME, to_filter(modality, expression), limit=200)
    expected = [
        number
        for number, payload in ZOO.items()
        if payload["modality"] == modality and holds(expression, payload)
    ]
    assert [point.id for point in found] == expected


EVERY_KIND = {
    "equals": field("title") == "The moon",
    "prefix": field("title").prefix("the"),
    "words": field("title").words("moon the"),
    "words anywhere": field("words").words("moon cat"),
    "one of": field("keywords").one_of("cat", "b,c"),
    "range": field("page").between(2, 3),
    "year": field("taken_at") == "2024",
    "exists": field("caption").exists(),
    "near": field("place").near(48.1, 11.5, radius_meters=100_000),
    "within": field("place").within(south=-40, west=170, north=0, east=-170),
    "own": field("metadata.n") == 3,
}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_each_kind_of_condition_tells_points_apart(engine: Engine, kind: str) -> None:
    expression = EVERY_KIND[kind]
    count = engine.count(NAME, to_filter(None, expression)).count
    assert count == sum(holds(expression, payload) for payload in ZOO.values())
    assert 0 < count < len(ZOO)


@pytest.mark.parametrize("name", ["media_type", "keywords", "page", "taken_at", "metadata.n"])
@pytest.mark.parametrize("target", ["any", "image"])
def test_values_are_counted_exactly(engine: Engine, name: str, target: str) -> None:
    where = field("page") < 3
    counted = FacetRequest(name, target=target, where=where, limit=4).count(engine, NAME)
    expected: dict[tuple[bool, Any], int] = {}
    for payload in ZOO.values():
        if target in ("any", payload["modality"]) and holds(where, payload):
            found = [
                year_of(one) if name == "taken_at" else one for one in values_of(name, payload)
            ]
            for value in {(isinstance(one, bool), one) for one in found}:
                expected[value] = expected.get(value, 0) + 1
    assert [one.count for one in counted.values] == sorted(expected.values(), reverse=True)[:4]
    for one in counted.values:
        assert expected[isinstance(one.value, bool), one.value] == one.count
    assert (
        counted.values
        == tuple(
            sorted(
                counted.values, key=lambda one: (-one.count, type(one.value).__name__, one.value)
            )
        )
        or name == "metadata.n"
    )


def test_a_target_has_the_counts_of_its_own(engine: Engine) -> None:
    (one,) = FacetRequest("modality", target=Target.TEXT).count(engine, NAME).values
    assert one.value == "text"


def year_of(value: str) -> str:
    return f"{moment_of(value).year}"


def holds(expression: Expression, payload: dict[str, Any]) -> bool:
    match expression:
        case And(parts=parts):
            return all(holds(part, payload) for part in parts)
        case Or(parts=parts):
            return any(holds(part, payload) for part in parts)
        case Not(part=part):
            return not holds(part, payload)
        case Words():
            return has_words(expression, payload)
        case Exists(field=name):
            return bool(values_of(name, payload))
        case _:
            return any(
                fits(expression, value) for value in values_of(field_of(expression), payload)
            )


def field_of(condition: Any) -> str:
    return str(condition.field)


def values_of(name: str, payload: dict[str, Any]) -> list[Any]:
    own = name.startswith("metadata.")
    value = payload.get("metadata", {}).get(name[9:]) if own else payload.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def has_words(condition: Words, payload: dict[str, Any]) -> bool:
    keys = ["text", *LABEL_FIELDS] if condition.field == "words" else [condition.field]
    texts = [set(to_words(value)) for key in keys for value in values_of(key, payload)]
    return all(any(word in text for text in texts) for word in to_words(condition.text))


def to_words(text: str) -> list[str]:
    return [word.lower() for word in re.split(r"[\W_]+", text) if word]


def fits(condition: Expression, value: Any) -> bool:  # noqa: PLR0911 - a row a kind
    match condition:
        case Equals(field="taken_at", value=day):
            return starts(str(day)) <= moment_of(value) and not after(moment_of(value), str(day))
        case Equals(value=wanted):
            return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)
        case OneOf(values=wanted):
            return value in wanted
        case Prefix(prefix=prefix):
            return bool(value.startswith(prefix))
        case Range(field="taken_at"):
            return all(in_time(moment_of(value), *one) for one in condition.bounds.items())
        case Range():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            compare = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
            return is_number and all(compare[b](value, to) for b, to in condition.bounds.items())
        case Near(latitude=latitude, longitude=longitude, radius_meters=radius):
            return meters(value, latitude, longitude) < radius
        case Within():
            lon, west, east = value["lon"], condition.west, condition.east
            is_between = west < lon < east if west <= east else lon > west or lon < east
            return bool(is_between and condition.south < value["lat"] < condition.north)
    raise AssertionError(condition)


def in_time(moment: datetime, bound: str, day: Any) -> bool:
    if bound in ("gt", "lte"):
        return after(moment, day) == (bound == "gt")
    return (moment >= starts(day)) == (bound == "gte")


def after(moment: datetime, day: str) -> bool:
    """Whether it lies behind the whole of a day, month or year, or behind a moment."""
    if "T" in day:
        return moment > starts(day)
    return moment.strftime("%Y-%m-%d")[: len(day)] > day


def starts(day: str) -> datetime:
    return moment_of(day if len(day) > 7 else f"{day}-01-01"[:10])


def moment_of(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def meters(point: dict[str, float], latitude: float, longitude: float) -> float:
    """By haversines on a sphere of the Earth's mean radius."""
    north, other = math.radians(point["lat"]), math.radians(latitude)
    across = math.radians(point["lon"] - longitude)
    half = (
        math.sin((north - other) / 2) ** 2
        + math.cos(north) * math.cos(other) * math.sin(across / 2) ** 2
    )
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))
