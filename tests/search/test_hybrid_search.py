"""Hybrid search as whoever searches sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from schemas.errors import QueryError
from schemas.query import Query
from search.cli import search
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


def test_a_word_decides_between_what_means_the_same(searcher: Searcher) -> None:
    # To the encoder both are red; "boat" it does not know.
    plain = searcher.search("a red boat", target="text", top_k=2)
    assert {round(hit.score, 4) for hit in plain.hits} == {1.0}
    page = searcher.search("a red boat", target="text", hybrid=True, top_k=2)
    assert page.hits[0].snippet == "a red boat"
    assert [hit.source_uri for hit in page.hits] == [
        "folder://root/sea.txt",
        "folder://root/rose.txt",
    ]


def test_scores_stay_cosines(searcher: Searcher) -> None:
    page = searcher.search("night boat red", target="text", hybrid=True, all_chunks=True)
    plain = searcher.search("night boat red", target="text", all_chunks=True)
    scores = {hit.point_id: hit.score for hit in plain.hits}
    assert {hit.point_id: hit.score for hit in page.hits} == pytest.approx(scores)
    assert [hit.rank for hit in page.hits] == list(range(1, len(scores) + 1))


def test_photographs_without_words_keep_their_order(searcher: Searcher) -> None:
    plain = searcher.search("a yellow boat", target="image")
    page = searcher.search("a yellow boat", target="image", hybrid=True)
    assert [hit.point_id for hit in page.hits] == [hit.point_id for hit in plain.hits]


def test_several_modalities_in_one_answer(searcher: Searcher) -> None:
    page = searcher.search("a red boat", hybrid=True)
    assert {str(hit.modality) for hit in page.hits} == {"image", "text"}
    texts = [hit.snippet for hit in page.hits if hit.modality == "text"]
    assert texts[0] == "a red boat"


def test_passages_of_a_document_come_best_first(searcher: Searcher) -> None:
    page = searcher.search("blue sea", target="text", hybrid=True, passages=3)
    (sea,) = [hit for hit in page.hits if hit.source_uri.endswith("sea.txt")]
    assert [one.snippet for one in sea.passages] == ["the blue sea", "red and blue", "a red boat"]


def test_an_explanation_has_the_words(searcher: Searcher) -> None:
    page = searcher.search("boat", target="text", hybrid=True, explain=True, all_chunks=True)
    said: dict[str | None, Any] = {hit.snippet: hit.explanation for hit in page.hits}
    assert said["a red boat"]["words"] > 0
    assert said["a black night"]["words"] == 0
    (photograph, *_) = searcher.search("boat", target="image", hybrid=True, explain=True).hits
    assert (photograph.explanation or {})["words"] is None


def test_pages_continue(searcher: Searcher) -> None:
    whole = searcher.search("a red boat", target="text", hybrid=True, all_chunks=True).hits
    first = searcher.search("a red boat", target="text", hybrid=True, all_chunks=True, top_k=3)
    second = searcher.search(
        "a red boat",
        target="text",
        hybrid=True,
        all_chunks=True,
        top_k=3,
        cursor=first.next_cursor,
    )
    assert [one.point_id for one in (*first.hits, *second.hits)] == [one.point_id for one in whole]
    assert second.next_cursor is None


@pytest.mark.parametrize("text", ["?!", "—"])
def test_without_words_there_is_nothing_to_compare(searcher: Searcher, text: str) -> None:
    with pytest.raises(QueryError, match="no words"):
        searcher.search(text, target="text", hybrid=True)


def test_a_photograph_has_no_words(searcher: Searcher, photographs: dict[str, Path]) -> None:
    with pytest.raises(QueryError, match="no words"):
        searcher.search(photographs["red"], hybrid=True)
    both = Query(image=photographs["red"]) + Query(text="boat")
    page = searcher.search(both, target="text", hybrid=True)
    assert page.hits[0].snippet == "a red boat"


def test_what_is_not_wanted_gives_no_words(searcher: Searcher) -> None:
    page = searcher.search(
        Query(text="red") - 0.1 * Query(text="boat"), target="text", hybrid=True, explain=True
    )
    said: dict[str | None, Any] = {hit.snippet: hit.explanation for hit in page.hits}
    assert said["a red rose"]["words"] > 0


def test_a_collection_without_words_is_searched_by_meaning_alone(
    engine: Engine, encoder: LegibleEncoder
) -> None:
    name = resolve_collection(engine, "colours").name
    engine.update_collection(name, metadata={"words": None})
    with Searcher(engine, resolve_collection(engine, "colours"), encoder) as searcher:
        assert searcher.search("red", target="text").hits
        with pytest.raises(QueryError, match="diptych sync"):
            searcher.search("red", target="text", hybrid=True)


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(str(tmp_path / "diptych-index")) as engine:
        fill(engine, LegibleEncoder(), paint(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIPTYCH_COLLECTION", "colours")
    monkeypatch.setattr(
        "ingest.encoders.load.load_encoder", lambda model, **_: LegibleEncoder(model)
    )
    arguments = ["a red boat", "--target", "text", "--hybrid", "--json", "--top-k", "1"]
    result = CliRunner().invoke(search, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["hits"][0]["snippet"] == "a red boat"
