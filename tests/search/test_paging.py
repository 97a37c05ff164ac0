"""Pages of one answer: together they are the answer, whatever is written meanwhile."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.background import refresh_background
from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from schemas.collection import to_point
from schemas.errors import QueryError
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.corpus import to_image_chunk, to_text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine
    from schemas.query import Hit

NAME = "pages"


def to_unit(generator: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float32]]:
    vector = generator.normal(size=5)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def add(engine: Engine, generation: str, fingerprint: str, numbers: range) -> None:
    """An image and a text of three chunks a number, in any direction."""
    points = []
    for number in numbers:
        generator = np.random.default_rng(number)
        chunks = [
            to_image_chunk(f"{number}.png"),
            *to_text_chunks(f"{number}.txt", "one", "two", "three"),
        ]
        points += [to_point(chunk, to_unit(generator), fingerprint) for chunk in chunks]
    engine.upsert(generation, points)


@pytest.fixture
def searcher() -> Iterator[Searcher]:
    encoder = LegibleEncoder()
    with connect(":memory:") as engine:
        canary = canary_vectors(encoder, encoder.space.modalities)
        collection = ensure_collection(engine, NAME, encoder.space, canary)
        add(engine, collection.name, encoder.space.fingerprint, range(40))
        refresh_background(engine, collection.name)
        with Searcher.follow(engine, NAME, lambda _: encoder, refresh_seconds=0) as searcher:
            yield searcher


def read_all(searcher: Searcher, top_k: int, **options: Any) -> list[Hit]:
    hits: list[Hit] = []
    cursor = None
    while True:
        page = searcher.search("red", top_k=top_k, cursor=cursor, **options)
        hits += page.hits
        cursor = page.next_cursor
        if cursor is None:
            return hits
        assert len(page.hits) == top_k


@pytest.mark.parametrize("target", ["image", "text", "any"])
@pytest.mark.parametrize("all_chunks", [False, True])
@pytest.mark.parametrize("top_k", [1, 7, 40])
def test_pages_are_the_answer_in_pieces(
    searcher: Searcher, target: str, *, all_chunks: bool, top_k: int
) -> None:
    whole = searcher.search("red", target=target, all_chunks=all_chunks, top_k=1000)
    assert whole.next_cursor is None
    pages = read_all(searcher, top_k, target=target, all_chunks=all_chunks)
    # The reference engine's scores differ by one unit in the last place between searches.
    assert [hit.point_id for hit in pages] == [hit.point_id for hit in whole.hits]
    assert [hit.rank for hit in pages] == [hit.rank for hit in whole.hits]
    assert [hit.rank for hit in whole.hits] == list(range(1, len(whole.hits) + 1))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 30))
def test_what_comes_in_between_repeats_and_loses_nothing(top_k: int, more: int) -> None:
    encoder = LegibleEncoder()
    with connect(":memory:") as engine:
        canary = canary_vectors(encoder, encoder.space.modalities)
        name = ensure_collection(engine, NAME, encoder.space, canary).name
        add(engine, name, encoder.space.fingerprint, range(12))
        with Searcher.follow(engine, NAME, lambda _: encoder) as searcher:
            before = [hit.point_id for hit in searcher.search("red", target="image").hits]
            first = searcher.search("red", target="image", top_k=top_k)
            add(engine, name, encoder.space.fingerprint, range(100, 100 + more))
            cursor, seen = first.next_cursor, [hit.point_id for hit in first.hits]
            while cursor is not None:
                page = searcher.search("red", target="image", top_k=top_k, cursor=cursor)
                cursor, seen = page.next_cursor, seen + [hit.point_id for hit in page.hits]
            assert len(seen) == len(set(seen))
            assert set(before) <= set(seen)


def test_a_cursor_fits_its_own_search_only(searcher: Searcher) -> None:
    cursor = searcher.search("red", target="image", top_k=2).next_cursor
    assert searcher.search("red", target="image", top_k=5, cursor=cursor).hits[0].rank == 3
    for query, options in (
        ("green", {"target": "image"}),
        ("red", {"target": "text"}),
        ("red", {"target": "image", "where": {"width_pixels": 8}}),
    ):
        with pytest.raises(QueryError, match="another search"):
            searcher.search(query, cursor=cursor, **options)
    with pytest.raises(QueryError, match="batch"):
        searcher.search_batch(["red", "red"], target="image", cursor=cursor)


@pytest.mark.parametrize("wrong", ["", "x", "e30=", "WzFd", "bnVsbA==", "é", "[" * 5000])
def test_what_is_no_cursor_is_refused(searcher: Searcher, wrong: str) -> None:
    with pytest.raises(QueryError, match="cursor"):
        searcher.search("red", cursor=wrong)


@pytest.mark.parametrize(
    "crafted",
    [
        '["{}",1e999,{{}}]',
        '["{}",1000000000000,{{}}]',
        '["{}",-1,{{}}]',
        '["{}",3,{{"image":[3,NaN,[]]}}]',
        '["{}",3,{{"image":[9,0.5,[]]}}]',
    ],
)
def test_a_crafted_cursor_is_refused(searcher: Searcher, crafted: str) -> None:
    cursor = searcher.search("red", target="image", top_k=2).next_cursor
    assert cursor is not None
    digest = json.loads(base64.urlsafe_b64decode(cursor))[0]
    wrong = base64.urlsafe_b64encode(crafted.format(digest).encode()).decode()
    with pytest.raises(QueryError, match="cursor"):
        searcher.search("red", target="image", cursor=wrong)
