from __future__ import annotations

from io import BytesIO
from math import sqrt
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from schemas.collection import to_point_id
from schemas.errors import EmptyQuery, InvalidVector, QueryError, SourceError
from schemas.query import Composition, Query, Term
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine
    from schemas.query import Page
    from search.composition import QueryLike
    from tests.legible import LegibleEncoder

HALF = 1 / sqrt(2)


@pytest.fixture
def searcher(engine: Engine, encoder: LegibleEncoder) -> Iterator[Searcher]:
    from ingest.store.collections import resolve_collection

    with Searcher(engine, resolve_collection(engine, "colours"), encoder) as searcher:
        yield searcher


def to_names(page: Page) -> list[str]:
    return [hit.source_uri.rpartition("/")[2] for hit in page.hits]


def test_operators_keep_order_and_weights() -> None:
    red, sea = Query(text="red"), Query(item="folder://root/sea.txt")
    assert red + sea == Composition((Term(red), Term(sea)))
    assert red - 0.5 * sea == Composition((Term(red), Term(sea, -0.5)))
    assert 2 * (red - sea) + red == Composition((Term(red, 2), Term(sea, -2), Term(red)))
    assert red * 3 == 3 * red == Composition((Term(red, 3),))


def test_a_photograph_and_words_meet_between_them(
    searcher: Searcher, photographs: dict[str, Path]
) -> None:
    both = Query(image=photographs["red"]) + Query(text="green")
    hit = searcher.search(both, target="image").hits[0]
    assert (to_names(searcher.search(both, target="image"))[0]) == "yellow.png"
    assert hit.score == pytest.approx(1.0, abs=1e-6)


def test_what_is_not_wanted_is_subtracted(searcher: Searcher) -> None:
    page = searcher.search(Query(text="yellow") - HALF * Query(text="red"), target="image")
    # (1, 1)/sqrt(2) - (1, 0)/sqrt(2) is the green axis.
    assert to_names(page)[0] == "green.png"
    assert page.hits[0].score == pytest.approx(1.0, abs=1e-6)


def test_a_weight_pulls_towards_its_part(searcher: Searcher) -> None:
    page = searcher.search(3 * Query(text="red") + 4 * Query(text="blue"), target="image")
    scores = dict(zip(to_names(page), (hit.score for hit in page.hits), strict=True))
    assert scores["red.png"] == pytest.approx(0.6, abs=1e-6)
    assert scores["blue.png"] == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(
    ("item", "nearest"),
    [
        ("folder://root/red.png", "yellow.png"),
        (to_point_id("folder://root/red.png", 0), "yellow.png"),
    ],
)
def test_an_indexed_item_finds_others_and_not_itself(
    searcher: Searcher, encoder: LegibleEncoder, item: str, nearest: str
) -> None:
    before = encoder.encoded_texts
    page = searcher.search(Query(item=item), target="image")
    assert to_names(page)[0] == nearest
    assert "red.png" not in to_names(page)
    assert encoder.encoded_texts == before, "nothing is encoded"


def test_an_indexed_document_is_the_mean_of_its_chunks(searcher: Searcher) -> None:
    # blue, red and magenta sum to magenta: equally near to red and to blue.
    page = searcher.search(Query(item="folder://root/sea.txt"), target="image")
    scores = dict(zip(to_names(page), (hit.score for hit in page.hits), strict=True))
    assert scores["red.png"] == pytest.approx(HALF, abs=1e-6)
    assert scores["blue.png"] == pytest.approx(HALF, abs=1e-6)


def test_several_examples_and_counterexamples(searcher: Searcher) -> None:
    like = [Query(item=f"folder://root/{name}.png") for name in ("red", "blue")]
    query = like[0] + like[1] - Query(item="folder://root/green.png")
    assert to_names(searcher.search(query, target="image")) == ["yellow.png"]


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        (lambda: Query(item="folder://root/none.png"), QueryError, "folder://root/none.png"),
        (lambda: Query(item="\udcff"), QueryError, "not in the collection"),
        (lambda: Query(item="x" * 9_000), QueryError, "^.{,200}$"),
        (lambda: Query(item=to_point_id("folder://x/y", 3)), QueryError, "not in the collection"),
        (lambda: Query(text="red") - Query(text="red"), InvalidVector, "cancel"),
        (lambda: -1 * Query(text="red"), QueryError, "weight above 0"),
        (lambda: 0 * Query(text="red"), QueryError, "other than 0"),
        (lambda: float("nan") * Query(text="red"), QueryError, "nan"),
        (lambda: Composition(()), EmptyQuery, "no part"),
        (lambda: Query(item=" "), EmptyQuery, "blank"),
        (lambda: Query(text="red", item="folder://root/red.png"), EmptyQuery, "exactly one"),
    ],
)
def test_what_cannot_be_composed_says_why(
    searcher: Searcher, query: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        searcher.search(query())


def test_a_batch_answers_as_each_query_by_itself(
    searcher: Searcher, photographs: dict[str, Path]
) -> None:
    queries: list[QueryLike] = [
        "red",
        photographs["blue"],
        Query(item="folder://root/rose.txt"),
        Query(text="yellow") - Query(text="blue"),
        "red green blue black red green blue black red green blue black",
    ]
    pages = searcher.search_batch(queries, target="any", top_k=3)
    alone = [searcher.search(query, target="any", top_k=3) for query in queries]
    assert [page.hits for page in pages] == [page.hits for page in alone]
    assert searcher.search_batch([]) == []


def test_explained_hits_show_their_parts(searcher: Searcher) -> None:
    query = Query(text="red") - 0.5 * Query(item="folder://root/blue.png")
    hit = searcher.search(query, target="image", explain=True, top_k=1).hits[0]
    assert hit.explanation == {
        "direction": "text->image",
        "cosine": hit.score,
        "parts": [
            {"modality": "text", "weight": 1.0, "text": "red", "cosine": 1.0},
            {"modality": "image", "weight": -0.5, "item": "folder://root/blue.png", "cosine": 0.0},
        ],
    }
    assert searcher.search(query, target="image", top_k=1).hits[0].explanation is None


def test_passages_are_a_documents_best_ones(searcher: Searcher) -> None:
    hit = searcher.search("magenta", target="text", passages=2).hits[0]
    assert hit.passages[0].chunk_ordinal == hit.chunk_ordinal == 2
    assert [round(one.score, 4) for one in hit.passages] == [1.0, round(HALF, 4)]
    assert hit.passages[0].point_id == hit.point_id
    assert hit.passages[0].snippet == "red and blue"


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        (" ", EmptyQuery, r"^query 1: the query text is blank"),
        (7, QueryError, r"^query 1: cannot search with a int"),
        (Query(text="red") - Query(text="red"), InvalidVector, r"^query 1: the parts of the query"),
        (Query(item="folder://root/none.txt"), QueryError, r"^query 1: "),
        (b"no image", SourceError, r"\(query 1\)$"),
    ],
)
def test_an_error_of_a_batch_says_whose_it_is(
    searcher: Searcher, query: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        searcher.search_batch(["red", query, "green"])
    with pytest.raises(error) as alone:
        searcher.search(query)
    assert "query 1" not in str(alone.value)


def test_words_that_are_missing_are_missed_by_number(searcher: Searcher) -> None:
    words = Query(item="folder://root/rose.txt")
    with pytest.raises(QueryError, match=r"^query 1: rerank: "):
        searcher.search_batch(["red", words], rerank="some/model")


def test_a_batch_is_a_list(searcher: Searcher) -> None:
    with pytest.raises(QueryError, match="list of queries"):
        searcher.search_batch("red")


def test_a_truncated_opened_image_is_a_decode_error(
    searcher: Searcher, photographs: dict[str, Path]
) -> None:
    content = (photographs["red"]).read_bytes()
    whole = Image.effect_noise((64, 64), 50)
    buffer = BytesIO()
    whole.save(buffer, "PNG")
    opened = Image.open(BytesIO(buffer.getvalue()[: len(content) + 900]))
    with pytest.raises(SourceError):
        searcher.search(opened, target="image")
