"""Rocchio's formula by hand, through searches and the command line's options."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.store.collections import resolve_collection
from schemas.collection import to_point_id
from schemas.errors import EmptyQuery, QueryError
from schemas.query import Query, Term
from search.feedback import ROCCHIO, Rocchio, refine
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine
    from schemas.query import Page
    from tests.legible import LegibleEncoder

RED, GREEN, BLUE, YELLOW = (
    f"folder://root/{name}.png" for name in ("red", "green", "blue", "yellow")
)
item_lists = st.lists(st.sampled_from([RED, GREEN, BLUE]), max_size=4)


@pytest.fixture
def searcher(engine: Engine, encoder: LegibleEncoder) -> Iterator[Searcher]:
    with Searcher(engine, resolve_collection(engine, "colours"), encoder) as searcher:
        yield searcher


def scores_of(page: Page) -> dict[str, float]:
    """Source URI -> score, in the order of the answer."""
    return {hit.source_uri: hit.score for hit in page.hits}


def test_liked_and_disliked_images_move_a_texts_ranking_as_computed(searcher: Searcher) -> None:
    before = scores_of(searcher.search("red", target="image"))
    assert list(before) == [
        RED,
        YELLOW,
        *sorted((GREEN, BLUE), key=lambda uri: to_point_id(uri, 0)),
    ]
    assert before == pytest.approx({RED: 1, YELLOW: sqrt(0.5), GREEN: 0, BLUE: 0}, abs=1e-6)

    after = scores_of(
        searcher.search(refine("red", liked=[GREEN], disliked=[YELLOW]), target="image")
    )
    # 1 * (1, 0, 0) + 0.75 * (0, 1, 0) - 0.15 * (s, s, 0), with s = sqrt(1/2), judged ones left out
    s = sqrt(0.5)
    length = sqrt((1 - 0.15 * s) ** 2 + (0.75 - 0.15 * s) ** 2)
    assert after == pytest.approx({RED: (1 - 0.15 * s) / length, BLUE: 0}, abs=1e-6)
    assert list(after) == [RED, BLUE]


def test_what_is_liked_changes_which_hit_is_first(searcher: Searcher) -> None:
    """Half red, half blue: the liked green one pulls yellow before blue, in front of neither."""
    mixed = "red blue"
    assert scores_of(searcher.search(mixed, target="image")) == pytest.approx(
        {RED: sqrt(0.5), BLUE: sqrt(0.5), YELLOW: 0.5, GREEN: 0}, abs=1e-6
    )
    page = searcher.search(refine(mixed, liked=[GREEN]), target="image")
    length = sqrt(1 + 0.75**2)
    assert scores_of(page) == pytest.approx(
        {
            YELLOW: (0.5 + 0.75 * sqrt(0.5)) / length,
            RED: sqrt(0.5) / length,
            BLUE: sqrt(0.5) / length,
        },
        abs=1e-6,
    )
    assert page.hits[0].source_uri == YELLOW


def test_the_weights_are_shared_by_the_items() -> None:
    refined = refine("red", [GREEN, BLUE, GREEN], [YELLOW], weights=Rocchio(2, 0.5, 0.25))
    assert refined.terms == (
        Term(Query(text="red"), 2.0),
        Term(Query(item=GREEN), 0.25),
        Term(Query(item=BLUE), 0.25),
        Term(Query(item=YELLOW), -0.25),
    )


def test_a_weight_of_nothing_leaves_its_items_out() -> None:
    refined = refine("red", [GREEN], [BLUE], weights=Rocchio(beta=0, gamma=0))
    assert refined.terms == (Term(Query(text="red"), 1.0),)


@given(liked=item_lists, disliked=item_lists)
def test_the_parts_weigh_what_was_asked_for(liked: list[str], disliked: list[str]) -> None:
    disliked = [item for item in disliked if item not in liked]
    query = Query(text="red") - 0.5 * Query(text="blue")
    refined = refine(query, liked, disliked)
    assert refined.terms[:2] == query.terms
    judged = refined.terms[2:]
    assert {term.query.item for term in judged} == {*liked, *disliked}
    assert sum(t.weight for t in judged if t.weight > 0) == pytest.approx(0.75 * bool(liked))
    assert sum(t.weight for t in judged if t.weight < 0) == pytest.approx(-0.15 * bool(disliked))


def test_points_are_judged_by_id(searcher: Searcher) -> None:
    by_id = refine("red", liked=[to_point_id(GREEN, 0)])
    by_uri = refine("red", liked=[GREEN])
    found = [scores_of(searcher.search(one, target="image")) for one in (by_id, by_uri)]
    assert found[0] == found[1]


def test_what_cannot_be_meant_is_refused(searcher: Searcher) -> None:
    with pytest.raises(QueryError, match="both liked and disliked"):
        refine("red", [GREEN], [GREEN])
    with pytest.raises(EmptyQuery):
        refine(" ", [GREEN])
    with pytest.raises(QueryError, match="not in the collection"):
        searcher.search(refine("red", ["folder://root/none.png"]))
    with pytest.raises(QueryError, match=r"liked is a list of hits; write \['folder://root/green"):
        refine("red", GREEN)


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0}, {"beta": -1}, {"gamma": float("nan")}, {"alpha": "1"}]
)
def test_weights_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match=next(iter(wrong))):
        Rocchio(**wrong)


def test_the_default_weights_are_the_textbooks() -> None:
    assert (ROCCHIO.alpha, ROCCHIO.beta, ROCCHIO.gamma) == (1.0, 0.75, 0.15)
