"""The worst misses, as they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from search.evaluate import Plan, Question, evaluate
from search.evaluate.gallery import find_misses, write_gallery
from tests.search.evaluate.conftest import to_uri

if TYPE_CHECKING:
    from pathlib import Path

    from search.searcher import Searcher

QUESTIONS = [
    Question("fine", "red", {to_uri("red"): 1}),
    Question("second", "green", {to_uri("yellow"): 1}),
    Question("third", "red magenta", {to_uri("yellow"): 1}),
    Question("own", "yellow red", {to_uri("yellow"): 1, to_uri("green"): 1}),
]


def test_the_right_item_stands_first_with_its_rank_and_then_what_came(searcher: Searcher) -> None:
    report = evaluate(searcher, QUESTIONS)
    misses = find_misses(searcher, report, options={})
    rows = [
        (
            miss.outcome.question_id,
            miss.outcome.direction,
            [(hit.rank, hit.location.rpartition("/")[2]) for hit in miss.page.hits[:2]],
        )
        for miss in misses
    ]
    # (2, 0, 1) lies at .894, .447 and .632 to red, blue and yellow; their captions likewise.
    assert rows[:2] == [
        ("second", "text->image", [(2, "yellow.png"), (1, "green.png")]),
        ("third", "text->image", [(2, "yellow.png"), (1, "red.png")]),
    ]


def test_the_query_itself_is_not_shown_as_an_answer(searcher: Searcher) -> None:
    report = evaluate(searcher, QUESTIONS[3:])
    [miss] = [
        miss
        for miss in find_misses(searcher, report, options={})
        if miss.outcome.direction == "text->text"
    ]
    assert miss.rank == 2
    assert [hit.source_uri for hit in miss.page.hits[:2]] == [to_uri("green"), to_uri("red")]
    assert to_uri("yellow") not in {hit.source_uri for hit in miss.page.hits}


def test_what_the_options_rule_out_has_no_rank(searcher: Searcher) -> None:
    options: dict[str, Any] = {"where": {"metadata.lang": "de"}}
    report = evaluate(searcher, QUESTIONS[:1], **options)
    miss = find_misses(searcher, report, options=options)[0]
    assert miss.rank == 0
    assert to_uri("red") not in {hit.source_uri for hit in miss.page.hits}


def test_the_number_of_rows_is_bounded(searcher: Searcher) -> None:
    report = evaluate(searcher, QUESTIONS)
    assert len(find_misses(searcher, report, most=2, options={})) == 2
    assert find_misses(searcher, report, most=0, options={}) == []


def test_it_is_a_picture_with_a_row_for_each(searcher: Searcher, tmp_path: Path) -> None:
    report = evaluate(searcher, QUESTIONS)
    misses = find_misses(searcher, report, most=2, options={})
    write_gallery(misses, tmp_path / "misses.png")
    write_gallery(misses[:1], tmp_path / "one.png")
    with Image.open(tmp_path / "misses.png") as two, Image.open(tmp_path / "one.png") as one:
        assert two.width == one.width
        assert two.height > 1.5 * one.height


def test_what_works_on_a_pool_is_looked_through_as_far_as_that_goes(searcher: Searcher) -> None:
    options: dict[str, Any] = {"diversity": 0.1, "pool": 100}
    report = evaluate(searcher, QUESTIONS[:2], Plan(depth=50), **options)
    assert [miss.rank for miss in find_misses(searcher, report, options=options)][:1] == [2]
