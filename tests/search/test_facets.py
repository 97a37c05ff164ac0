"""Counts of values, from Python and on the command line, of the collection of colours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from schemas.errors import CollectionMissing, QueryError, UnknownField
from schemas.where import field
from search.async_searcher import AsyncSearcher
from search.facets import FacetValue
from search.facets_cli import facets
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.conftest import fill, paint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine


@pytest.fixture
def searcher(engine: Engine, encoder: LegibleEncoder) -> Iterator[Searcher]:
    with Searcher(engine, resolve_collection(engine, "colours"), encoder) as searcher:
        yield searcher


def test_values_come_with_their_counts_the_most_frequent_first(searcher: Searcher) -> None:
    found = searcher.facets("media_type")
    assert found.values == (FacetValue("text/plain", 5), FacetValue("image/png", 4))
    assert found.collection == "colours__g001"
    assert searcher.facets("media_type", limit=1).values == found.values[:1]


def test_a_target_and_conditions_narrow_the_count(searcher: Searcher) -> None:
    assert searcher.facets("media_type", target="image").values == (FacetValue("image/png", 4),)
    first = field("chunk_ordinal") == 0
    assert searcher.facets("media_type", target="text", where=first).values == (
        FacetValue("text/plain", 3),
    )
    assert searcher.facets("title", where={"title": "none"}).values == ()


def test_fields_of_ones_own_and_dates_are_counted_too(searcher: Searcher) -> None:
    assert searcher.facets("metadata.author").values == (FacetValue("Ann", 1),)
    colours = [one.value for one in searcher.facets("metadata.colour").values]
    assert colours == ["blue", "green", "red", "yellow"]
    assert searcher.facets("modified_at").values == (FacetValue("2024", 9),)


async def _count(searcher: Searcher) -> Any:
    async with AsyncSearcher(searcher) as waiting:
        return await waiting.facets("modality")


def test_an_asynchronous_searcher_counts_the_same(searcher: Searcher) -> None:
    import asyncio

    assert asyncio.run(_count(searcher)).values == (FacetValue("text", 5), FacetValue("image", 4))


@pytest.mark.parametrize(
    ("name", "options", "error", "said"),
    [
        ("colour", {}, UnknownField, "no field 'colour'"),
        ("text", {}, QueryError, "as many as points; count one of"),
        ("place", {}, QueryError, "as many as points"),
        ("words", {}, QueryError, "as many as points"),
        ("title", {"limit": 0}, QueryError, "limit"),
        ("title", {"limit": True}, QueryError, "limit"),
        ("title", {"target": "sound"}, QueryError, "target 'sound'"),
        ("title", {"where": {"colour": "red"}}, UnknownField, "colour"),
    ],
)
def test_what_cannot_be_counted_says_why(
    searcher: Searcher, name: str, options: dict[str, Any], error: type[QueryError], said: str
) -> None:
    with pytest.raises(error, match=said):
        searcher.facets(name, **options)


@pytest.fixture
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(str(tmp_path / "diptych-index")) as engine:
        fill(engine, LegibleEncoder(), paint(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIPTYCH_COLLECTION", "colours")


@pytest.mark.usefixtures("_index")
def test_a_value_that_is_shown_goes_back_into_a_condition_and_obeys_no_terminal() -> None:
    with connect("diptych-index") as engine:
        name = resolve_collection(engine, "colours").name
        points, _ = engine.scroll(name, limit=2)
        for point, value in zip(points, (True, "\x1b[2J\nred"), strict=True):
            engine.set_payload(name, {"metadata": {"mark": value}}, [point.id])
    result = CliRunner().invoke(facets, ["metadata.mark"])
    assert result.stdout == "1  true\n1  ?[2J?red\n"
    result = CliRunner().invoke(facets, ["metadata.mark", "--where", "metadata.mark = true"])
    assert result.stdout == "1  true\n"


@pytest.mark.usefixtures("_index")
def test_the_command_line_shows_them_and_needs_no_model() -> None:
    result = CliRunner().invoke(facets, ["media_type"])
    assert result.stdout == "5  text/plain\n4  image/png\n"
    result = CliRunner().invoke(facets, ["title", "--where", 'title prefix "The"', "--json"])
    assert json.loads(result.stdout) == {
        "field": "title",
        "collection": "colours__g001",
        "values": [{"value": "The sea", "count": 3}],
    }
    result = CliRunner().invoke(facets, ["title", "--target", "image"])
    assert result.stdout.startswith("No point of colours__g001 has a value in title")
    result = CliRunner().invoke(facets, ["title", "--collection", "other"])
    assert isinstance(result.exception, CollectionMissing)
