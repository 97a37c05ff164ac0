"""The second stage: places by hand, real models of a few thousand weights, pages of a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import models

from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from schemas.collection import to_point
from schemas.errors import QueryError
from schemas.query import Query
from schemas.records import Modality
from search.cli import search as search_command
from search.feedback import refine
from search.options import Options
from search.ranking import Candidate
from search.rerank import Rerank, reorder
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.conftest import fill, paint
from tests.search.corpus import to_image_chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine
    from schemas.query import Hit


def to_candidate(number: int) -> Candidate:
    point = models.ScoredPoint(id=number, version=0, score=0.5)
    return Candidate(point, (point,), Modality.TEXT, cosine=0.5)


def ids_of(candidates: list[Candidate]) -> list[int]:
    return [int(one.point_id) for one in candidates]


def test_what_has_no_words_keeps_its_place() -> None:
    candidates = [to_candidate(number) for number in range(5)]
    found = reorder(candidates, [True, False, True, True, False], [0.1, 0.9, 0.5])
    assert ids_of(found) == [2, 1, 3, 0, 4]
    assert [one.rerank_score for one in found] == [0.9, None, 0.5, 0.1, None]


def test_equal_scores_stay_as_they_stood() -> None:
    candidates = [to_candidate(number) for number in range(3)]
    assert ids_of(reorder(candidates, [True] * 3, [1.0, 2.0, 2.0])) == [1, 2, 0]


@given(given_=st.lists(st.tuples(st.booleans(), st.floats(-5, 5)), max_size=8))
def test_reordering_loses_nobody(given_: list[tuple[bool, float]]) -> None:
    candidates = [to_candidate(number) for number in range(len(given_))]
    has_words = [one for one, _ in given_]
    scores = [score for one, score in given_ if one]
    found = reorder(candidates, has_words, scores)
    assert sorted(ids_of(found)) == list(range(len(given_)))
    assert [one.rerank_score for one in found if one.rerank_score is not None] == sorted(
        scores, reverse=True
    )
    assert [n for n, one in enumerate(found) if one.rerank_score is None] == [
        n for n, one in enumerate(has_words) if not one
    ]


@pytest.fixture(scope="module")
def multi_vector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="rerankers run on torch (extra models)")
    from tests.model_fixtures import save_multi_vector

    return save_multi_vector(tmp_path_factory.mktemp("multi-vector"))


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="rerankers run on torch (extra models)")
    from tests.model_fixtures import save_cross_encoder

    return save_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))


@pytest.fixture
def searcher(engine: Engine, encoder: LegibleEncoder) -> Iterator[Searcher]:
    """The colours, and a green image whose caption says that it is red."""
    collection = resolve_collection(engine, "colours")
    chunk = to_image_chunk("captioned.png", caption="a red boat on the sea")
    vector = encoder.encode_texts(["green"], "document")[0]  # type: ignore[arg-type]
    engine.upsert(collection.name, [to_point(chunk, vector, encoder.space.fingerprint)])
    with Searcher(engine, collection, encoder) as searcher:
        yield searcher


def test_the_pool_is_ordered_as_the_model_itself_scores_it(
    searcher: Searcher, cross_encoder: Path
) -> None:
    from sentence_transformers import CrossEncoder

    plain = searcher.search("red", target="text", all_chunks=True, top_k=5)
    page = searcher.search(
        "red", target="text", all_chunks=True, top_k=5, rerank=str(cross_encoder)
    )
    words = {hit.point_id: hit.snippet for hit in plain.hits}
    said = CrossEncoder(str(cross_encoder), device="cpu").predict(
        [("red", text) for text in words.values()]
    )
    scores = dict(zip(words, said.tolist(), strict=True))
    order = sorted(words, key=lambda one: -scores[one])
    assert [hit.point_id for hit in page.hits] == order
    assert [hit.rerank_score for hit in page.hits] == pytest.approx([scores[one] for one in order])
    assert {hit.point_id: hit.score for hit in page.hits} == {
        hit.point_id: hit.score for hit in plain.hits
    }
    assert [hit.rank for hit in page.hits] == [1, 2, 3, 4, 5]


def test_a_multi_vector_model_finds_the_same_words(searcher: Searcher, multi_vector: Path) -> None:
    """Each of the query's tokens finds itself: the score is how many they are, two special ones."""
    page = searcher.search(
        "a black night", target="text", all_chunks=True, top_k=5, rerank=str(multi_vector)
    )
    assert page.hits[0].snippet == "a black night"
    most = page.hits[0].rerank_score
    assert most is not None
    assert all((hit.rerank_score or 0) <= most for hit in page.hits)


def test_images_are_read_by_their_words_or_keep_their_place(
    searcher: Searcher, cross_encoder: Path
) -> None:
    plain = searcher.search("green", target="image")
    page = searcher.search("green", target="image", rerank=str(cross_encoder))
    assert [hit.point_id for hit in page.hits] == [hit.point_id for hit in plain.hits]
    scored = [hit.source_uri for hit in page.hits if hit.rerank_score is not None]
    assert scored == ["folder://root/captioned.png"]


def test_pages_are_slices_of_one_pool(searcher: Searcher, cross_encoder: Path) -> None:
    options: dict[str, Any] = {"target": "text", "all_chunks": True, "rerank": str(cross_encoder)}
    whole = searcher.search("red", top_k=5, pool=5, **options)
    assert whole.next_cursor is None
    found: list[Hit] = []
    cursor = None
    for _ in range(3):
        page = searcher.search("red", top_k=2, pool=5, cursor=cursor, **options)
        found += page.hits
        cursor = page.next_cursor
    assert cursor is None
    assert found == list(whole.hits)


def test_the_answer_ends_with_the_pool(searcher: Searcher, cross_encoder: Path) -> None:
    nearest = searcher.search("red", target="text", all_chunks=True, top_k=2).hits
    page = searcher.search(
        "red", target="text", all_chunks=True, top_k=2, pool=2, rerank=str(cross_encoder)
    )
    assert {hit.point_id for hit in page.hits} == {hit.point_id for hit in nearest}
    assert page.next_cursor is None


@pytest.mark.parametrize(
    "query",
    [
        Query(item="folder://root/red.png"),
        Query(text="red") - Query(text="blue"),
        refine("red", liked=["folder://root/red.png"]),
    ],
)
def test_only_texts_that_are_looked_for_can_be_read(searcher: Searcher, query: Any) -> None:
    with pytest.raises(QueryError, match="rerank"):
        searcher.search(query, rerank="never-loaded")


def test_a_pool_fills_a_page() -> None:
    with pytest.raises(QueryError, match="pool"):
        Options(rerank="model", top_k=11, pool=10)
    with pytest.raises(QueryError, match="pool"):
        Options(pool=0)
    assert Options(top_k=11, pool=10).top_k == 11


def test_the_stage_reads_no_vectors() -> None:
    assert not Rerank("model").needs_vectors


def test_the_command_line_shows_the_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cross_encoder: Path
) -> None:
    with connect(str(tmp_path / "diptych-index")) as engine:
        fill(engine, LegibleEncoder(), paint(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIPTYCH_COLLECTION", "colours")
    monkeypatch.setattr(
        "ingest.encoders.load.load_encoder", lambda model, **_: LegibleEncoder(model)
    )
    asked = ["red", "--target", "text", "--rerank", str(cross_encoder), "--pool", "20"]
    result = CliRunner().invoke(search_command, asked)
    assert result.exit_code == 0, result.output or result.exception
    assert "  0.500  text  " in result.stdout  # its weights are random, and small
