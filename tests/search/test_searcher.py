"""Exact hits, computed by hand: see tests/legible.py for what lies where."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from schemas.collection import to_point_id
from schemas.errors import (
    CollectionMissing,
    EmptyQuery,
    QueryError,
    SpaceMismatch,
    UnknownField,
    UnreadableSource,
    UnsupportedModality,
)
from schemas.query import Page, Query, Target
from schemas.records import Modality
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine

HALF = 2**-0.5


@pytest.fixture
def searcher(engine: Engine, encoder: LegibleEncoder) -> Iterator[Searcher]:
    with Searcher(engine, resolve_collection(engine, "colours"), encoder) as searcher:
        yield searcher


def to_rows(page: Page) -> list[tuple[int, str, float]]:
    return [
        (hit.rank, hit.source_uri.removeprefix("folder://root/"), round(hit.score, 4))
        for hit in page.hits
    ]


def by_id(*names: str) -> list[str]:
    """Names of single-chunk items in the order of their points' ids: how equal scores stand."""
    return sorted(names, key=lambda name: to_point_id(f"folder://root/{name}", 0))


def test_words_find_images_in_the_order_of_their_cosines(searcher: Searcher) -> None:
    page = searcher.search("a red cat", target="image")
    blue_and_green = by_id("blue.png", "green.png")
    assert to_rows(page) == [
        (1, "red.png", 1.0),
        (2, "yellow.png", round(HALF, 4)),
        (3, blue_and_green[0], 0.0),
        (4, blue_and_green[1], 0.0),
    ]
    assert (page.target, page.model_id) == (Target.IMAGE, "legible-1")
    assert page.collection == "colours__g001"
    assert page.took_seconds > 0


def test_a_photograph_finds_itself_first_at_cosine_one(
    searcher: Searcher, photographs: dict[str, Path]
) -> None:
    for path in photographs.values():
        with Image.open(path) as opened:
            for query in (path, path.read_bytes(), opened, Query(image=path)):
                hit = searcher.search(query, target="image", top_k=1).hits[0]
                assert hit.location == str(path)
                assert hit.score == pytest.approx(1.0, abs=1e-6)


def test_a_photograph_finds_passages(searcher: Searcher, photographs: dict[str, Path]) -> None:
    page = searcher.search(photographs["blue"], target=Target.TEXT)
    assert to_rows(page)[0] == (1, "sea.txt", 1.0)
    assert page.hits[0].snippet == "the blue sea"
    assert (page.hits[0].chunk_ordinal, page.hits[0].chunk_count) == (0, 3)
    assert page.hits[0].title == "The sea"


def test_a_document_gives_its_nearest_chunk_only(searcher: Searcher) -> None:
    # "red and blue" lies half way, so cos(magenta, it) is 1 and the other chunks are left out.
    page = searcher.search("magenta", target="text")
    assert to_rows(page) == [
        (1, "sea.txt", 1.0),
        (2, "rose.txt", round(HALF, 4)),
        (3, "night.txt", 0.0),
    ]
    assert page.hits[0].chunk_ordinal == 2


def test_all_chunks_give_a_hit_each(searcher: Searcher) -> None:
    page = searcher.search("magenta", target="text", all_chunks=True)
    assert (page.hits[0].source_uri, page.hits[0].chunk_ordinal) == ("folder://root/sea.txt", 2)
    assert sorted(round(hit.score, 4) for hit in page.hits) == [0.0, *[round(HALF, 4)] * 3, 1.0]
    assert [hit.rank for hit in page.hits] == [1, 2, 3, 4, 5]


def test_any_asks_each_modality_and_interleaves_by_rank(searcher: Searcher) -> None:
    page = searcher.search("red", top_k=4)
    assert page.target is Target.ANY
    assert [hit.modality for hit in page.hits] == [Modality.IMAGE, Modality.TEXT] * 2
    assert to_rows(page)[0] == (1, "red.png", 1.0)
    assert to_rows(page)[2] == (3, "yellow.png", round(HALF, 4))
    assert {row[1] for row in to_rows(page)[1::2]} == {"rose.txt", "sea.txt"}


def test_where_narrows_the_answer(searcher: Searcher) -> None:
    def names(where: Any, target: str = "image") -> set[str]:
        return {name for _, name, _ in to_rows(searcher.search("red", target=target, where=where))}

    assert names({"width_pixels": {"gte": 3}}) == {"blue.png", "yellow.png"}
    assert names([{"width_pixels": {"gte": 3}}, {"metadata.colour": "blue"}]) == {"blue.png"}
    assert names({"metadata.author": "Ann"}, "text") == {"night.txt"}
    assert names({"title": ["Roses", "The sea"]}, "text") == {"rose.txt", "sea.txt"}
    assert names({"modality": "text"}) == set()


def test_every_hit_has_the_asked_modality(searcher: Searcher) -> None:
    for modality in Modality:
        hits = searcher.search("black", target=modality.value, all_chunks=True).hits
        assert hits
        assert {hit.modality for hit in hits} == {modality}


def test_a_threshold_leaves_out_what_is_farther(searcher: Searcher) -> None:
    page = searcher.search("red", target="image", score_threshold=0.7)
    assert [name for _, name, _ in to_rows(page)] == ["red.png", "yellow.png"]


def test_top_k_is_the_length_of_the_answer(searcher: Searcher) -> None:
    assert len(searcher.search("red", target="image", top_k=2).hits) == 2
    assert len(searcher.search("red", target="image", top_k=10_000).hits) == 4


def test_a_long_text_is_not_cut_at_the_window(searcher: Searcher) -> None:
    # Eight words fill the window; the colour stands behind it.
    page = searcher.search("of all the colours there are I want " * 2 + "blue", target="image")
    assert to_rows(page)[0][1] == "blue.png"
    assert 0.4 < page.hits[0].score < 1


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"query": " "}, EmptyQuery, "blank"),
        ({"query": 7}, QueryError, "cannot search with a int"),
        ({"query": "x", "target": "video"}, QueryError, "'video' is not one of image, text, any"),
        ({"query": "x", "top_k": 0}, QueryError, "from 1 to 10,000, not 0"),
        ({"query": "x", "top_k": 10_001}, QueryError, "not 10001"),
        ({"query": "x", "top_k": True}, QueryError, "not True"),
        ({"query": "x", "score_threshold": 2}, QueryError, "cosine from -1 to 1"),
        ({"query": "x", "score_threshold": float("nan")}, QueryError, "not nan"),
        ({"query": "x", "where": {"colour": "red"}}, UnknownField, "'colour'"),
    ],
)
def test_what_cannot_be_answered_says_why(
    searcher: Searcher, arguments: dict[str, Any], error: type[QueryError], said: str
) -> None:
    with pytest.raises(error, match=said):
        searcher.search(arguments.pop("query"), **arguments)


def test_nothing_is_encoded_for_a_question_that_cannot_be_answered(
    searcher: Searcher, encoder: LegibleEncoder
) -> None:
    before = encoder.encoded_texts
    for wrong in ({"where": {"colour": "red"}}, {"top_k": 0}, {"target": "video"}):
        with pytest.raises(QueryError):
            searcher.search("red", **wrong)
    assert encoder.encoded_texts == before


def test_a_photograph_that_is_not_there_is_named(searcher: Searcher, tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match=r"gone\.png: cannot be"):
        searcher.search(tmp_path / "gone.png")


def test_another_space_is_refused(engine: Engine) -> None:
    collection = resolve_collection(engine, "colours")
    with pytest.raises(SpaceMismatch, match="built with legible-1, this is legible-2"):
        Searcher(engine, collection, LegibleEncoder("legible-2"))


def test_an_encoder_that_drifted_is_refused_at_first_use(engine: Engine) -> None:
    class Drifted(LegibleEncoder):
        def encode_texts(self, texts: Any, role: Any) -> Any:
            return super().encode_texts(["red"] * len(texts), role)

    searcher = Searcher(engine, resolve_collection(engine, "colours"), Drifted())
    with pytest.raises(SpaceMismatch, match="no longer gives the text vectors"):
        searcher.search("blue")
    assert searcher.search(Image.new("RGB", (4, 4), "red"), target="image", top_k=1).hits


def test_the_canary_is_compared_once_a_modality(
    searcher: Searcher, encoder: LegibleEncoder
) -> None:
    images, texts = encoder.encoded_images, encoder.encoded_texts
    searcher.search("red")
    assert encoder.encoded_images == images, "a text query touches no image tower"
    first = encoder.encoded_texts - texts
    searcher.search("red")
    assert encoder.encoded_texts - texts == first + 1


def test_a_space_without_images_answers_any_with_texts() -> None:
    reader = LegibleEncoder(modalities=(Modality.TEXT,))
    with connect(":memory:") as engine:
        fill(engine, reader, {})
        searcher = Searcher(engine, resolve_collection(engine, "colours"), reader)
        assert {hit.modality for hit in searcher.search("red").hits} == {Modality.TEXT}
        with pytest.raises(UnsupportedModality, match="encodes no images"):
            searcher.search("red", target="image")
        with pytest.raises(UnsupportedModality, match="encodes no images"):
            searcher.search(Image.new("RGB", (4, 4)), target="text")


def test_threads_may_search_at_once(searcher: Searcher, photographs: dict[str, Path]) -> None:
    names = list(photographs) * 25
    with ThreadPoolExecutor(8) as pool:
        pages = pool.map(lambda name: searcher.search(name, target="image", top_k=1), names)
    assert [page.hits[0].metadata["colour"] for page in pages] == names


def test_opening_a_collection_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CollectionMissing, match="colours"):
        Searcher.open(str(tmp_path / "index"), "colours")
    with pytest.raises(CollectionMissing):
        Searcher.open(":memory:", "colours")
