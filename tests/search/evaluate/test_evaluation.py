"""Evaluations whose every rank can be computed by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from schemas.errors import QueryError, SettingsError, UnknownField
from schemas.evaluation import Direction, Floor
from schemas.records import Modality
from schemas.space import Role
from search.evaluate import Plan, Question, evaluate
from search.evaluate.captions import make_caption_questions
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.evaluate.conftest import to_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from schemas.evaluation import EvaluationReport, Figures
    from schemas.space import Vectors

QUESTIONS = [
    Question("own words", "a red thing", {to_uri("red"): 1}),
    Question("red", "red", {to_uri("red"): 1}),
    Question("yellow", "yellow", {to_uri("yellow"): 1}),
    # The green photograph and its caption are nearer.
    Question("green", "green", {to_uri("yellow"): 1}),
]


def values_of(report: EvaluationReport, direction: str, part: str = "") -> dict[str, float]:
    return {name: one.value for name, one in find(report, direction, part).measures.items()}


def find(report: EvaluationReport, direction: str, part: str = "") -> Figures:
    figures = report.find(direction, part)
    assert figures is not None
    return figures


def ranks_of(report: EvaluationReport, direction: str) -> dict[str, int | None]:
    return {one.question_id: one.rank for one in report.outcomes if one.direction == direction}


def test_every_measure_of_words_that_look_for_images(searcher: Searcher) -> None:
    report = evaluate(searcher, QUESTIONS)
    assert find(report, "text->image").questions == 4
    assert ranks_of(report, "text->image") == {"own words": 1, "red": 1, "yellow": 1, "green": 2}
    assert values_of(report, "text->image") == {
        "recall@1": 3 / 4,
        "recall@5": 1,
        "recall@10": 1,
        "mrr": 3.5 / 4,
        "ndcg@10": pytest.approx((3 + 1 / log2(3)) / 4),
        "map": 3.5 / 4,
        "median_rank": 1,
    }
    assert report.exit_code == 0
    assert [report.missing, report.unanswered, report.notes] == [(), (), ()]


def test_words_that_are_themselves_a_caption_are_no_answer(searcher: Searcher) -> None:
    report = evaluate(searcher, QUESTIONS)
    assert ranks_of(report, "text->text") == {"red": 1, "yellow": 1, "green": 2}
    assert [find(report, "text->any", f"modality={one}").questions for one in Modality] == [4, 3]
    [first, *_] = [one for one in report.outcomes if one.direction is Direction.TEXT_TO_ANY]
    assert (first.question_id, first.own) == ("own words", (to_uri("red"),))


def test_a_photograph_must_find_its_caption_and_not_itself(
    searcher: Searcher, tmp_path: Path
) -> None:
    names = ["red", "yellow"]
    questions = [
        Question(name, tmp_path / f"{name}.png", {f"{name}.png": 1}, folder=tmp_path)
        for name in names
    ]
    report = evaluate(searcher, questions)
    assert {one.direction for one in report.figures} == {"image->text", "image->any"}
    assert ranks_of(report, "image->text") == {"red": 1, "yellow": 1}


def test_photographs_that_should_find_each_other(searcher: Searcher, tmp_path: Path) -> None:
    question = Question("q", tmp_path / "red.png", {to_uri("yellow"): 1, to_uri("green"): 1})
    report = evaluate(searcher, [question], Plan(measures=("map", "recall@1")))
    # The query itself does not count; yellow comes first, and green shares the rest with blue.
    assert ranks_of(report, "image->image") == {"q": 1}
    assert values_of(report, "image->image")["recall@1"] == 1 / 2


class CountingEncoder(LegibleEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[object] = []

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        self.encoded += texts if role is Role.QUERY else []
        return super().encode_texts(texts, role)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        self.encoded += [image.getpixel((0, 0)) for image in images]
        return super().encode_images(images)


def test_a_name_that_no_file_can_have_costs_its_question(searcher: Searcher) -> None:
    unasked = Question("long", Path("x" * 5_000), {to_uri("red"): 1})
    report = evaluate(searcher, [*QUESTIONS, unasked])
    assert [one.question_id for one in report.unanswered] == ["long"]


def test_a_query_is_encoded_once_in_however_many_directions(
    searcher: Searcher, tmp_path: Path
) -> None:
    encoder = CountingEncoder()
    counting = Searcher(searcher.engine, searcher.collection, encoder)
    both = {to_uri("red"): 1, to_uri("yellow"): 1}
    questions = [Question("words", "red red", both), Question("q", tmp_path / "blue.png", both)]
    report = evaluate(counting, questions)
    assert len({one.direction for one in report.outcomes}) == 6
    assert encoder.encoded.count("red red") == 1
    assert encoder.encoded.count((0, 0, 255)) == 1


def test_the_words_of_a_photograph_are_no_wrong_answer_to_it(
    searcher: Searcher, tmp_path: Path
) -> None:
    question = Question("q", tmp_path / "red.png", {to_uri("yellow"): 1})
    report = evaluate(searcher, [question])
    # "a red thing" would be first; it belongs to the query, and is not judged.
    assert ranks_of(report, "image->text") == {"q": 1}
    assert {one.own for one in report.outcomes} == {(to_uri("red"),)}


def test_photographs_are_asked_without_what_needs_words(searcher: Searcher, tmp_path: Path) -> None:
    photograph = Question("q", tmp_path / "red.png", {to_uri("red"): 1})
    report = evaluate(searcher, [*QUESTIONS, photograph], hybrid=True)
    assert find(report, "image->text").questions == 1
    assert report.notes == ("images have no words: they were searched with without hybrid",)
    assert evaluate(searcher, QUESTIONS, hybrid=True).notes == ()


def test_an_item_that_is_searched_with_is_read_where_it_lies(searcher: Searcher) -> None:
    uri = to_uri("red")
    report = evaluate(searcher, [Question("q", Path("gone.png"), {uri: 1}, item=uri)])
    assert ranks_of(report, "image->text") == {"q": 1}


def test_slices_by_a_field_of_what_is_right(searcher: Searcher) -> None:
    plan = Plan(measures=("recall@1",), slices=("metadata.lang", "metadata.tags", "language"))
    report = evaluate(searcher, QUESTIONS, plan)
    found = {
        one.part: (one.questions, one.measures["recall@1"].value)
        for one in report.figures
        if one.direction == "text->image"
    }
    assert found == {
        "": (4, 3 / 4),
        "metadata.lang=en": (2, 1),
        "metadata.lang=de": (2, 1 / 2),
        "metadata.tags=warm": (4, 3 / 4),
        "metadata.tags=pure": (2, 1),
        "language=(none)": (4, 3 / 4),
    }


def test_a_name_may_be_a_path_with_or_without_escapes(searcher: Searcher, tmp_path: Path) -> None:
    for name in ("red.png", "r%65d.png", str(tmp_path / "red.png"), "./sub/../red.png"):
        report = evaluate(searcher, [Question("q", "red", {name: 1}, folder=tmp_path)])
        assert ranks_of(report, "text->image") == {"q": 1}


def test_what_is_not_indexed_is_an_error_with_count_and_line(searcher: Searcher) -> None:
    questions = [
        *QUESTIONS,
        Question("lost", "x", {"lost.png": 1, "gone.png": 1}, origin="pairs.jsonl, line 9"),
    ]
    with pytest.raises(SettingsError) as caught:
        evaluate(searcher, questions)
    assert str(caught.value) == (
        "pairs.jsonl, line 9: right items that are not indexed in photos__g001: 2 (lost.png, "
        "gone.png); index them, or leave them out with --skip-missing"
    )
    report = evaluate(searcher, questions, Plan(skip_missing=True))
    assert report.missing == ("lost.png", "gone.png")
    assert find(report, "text->image").questions == 4
    [note] = report.notes
    assert note.startswith("questions that have nothing to find but themselves: 1 ")


def test_a_photograph_that_cannot_be_read_costs_its_question(
    searcher: Searcher, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    bad = [
        Question("broken", broken, {to_uri("red"): 1}, origin="line 1"),
        Question("gone", tmp_path / "gone.png", {to_uri("red"): 1}),
    ]
    good = Question("good", tmp_path / "blue.png", {to_uri("blue"): 1})
    report = evaluate(searcher, [*QUESTIONS, *bad, good])
    assert {one.question_id for one in report.unanswered} == {"broken", "gone"}
    assert report.exit_code == 3
    assert ranks_of(report, "image->text") == {"good": 1}
    with pytest.raises(SettingsError, match=r"not one question could be asked: .*gone"):
        evaluate(searcher, bad[1:])


def test_the_depth_bounds_what_is_found(searcher: Searcher) -> None:
    report = evaluate(
        searcher, QUESTIONS[3:], Plan(depth=1, directions=(Direction("text->image"),))
    )
    assert ranks_of(report, "text->image") == {"green": None}
    assert values_of(report, "text->image")["median_rank"] == 2
    assert values_of(report, "text->image")["mrr"] == 0
    assert len(report.figures) == 1


def test_options_are_those_of_the_search(searcher: Searcher) -> None:
    where = {"metadata.lang": "de"}
    report = evaluate(searcher, QUESTIONS, where=where)
    assert ranks_of(report, "text->image")["red"] is None
    assert report.options == {"where": str(where)}
    with pytest.raises(SettingsError, match="top_k is set by the evaluation itself"):
        evaluate(searcher, QUESTIONS, top_k=3)
    with pytest.raises(UnknownField):
        evaluate(searcher, QUESTIONS, where={"colour": "red"})
    with pytest.raises(QueryError, match="there is no search option 'hybird'"):
        evaluate(searcher, QUESTIONS, hybird=True)


def test_every_passage_may_be_a_hit_and_a_document_counts_once(searcher: Searcher) -> None:
    report = evaluate(searcher, QUESTIONS, all_chunks=True)
    assert ranks_of(report, "text->text") == {"red": 1, "yellow": 1, "green": 2}


def test_captions_of_the_collection_are_questions(searcher: Searcher) -> None:
    questions = make_caption_questions(searcher)
    assert sorted(one.query for one in questions if isinstance(one.query, str)) == [
        "a red thing",
        "blue",
        "green green",
        "yellow red",
    ]
    report = evaluate(searcher, questions)
    assert values_of(report, "text->image")["recall@1"] == 1
    assert report.find("text->text") is None
    assert values_of(report, "image->text")["recall@1"] == 1
    few = make_caption_questions(searcher, most=1, seed=3)
    assert len(few) == 2
    assert few == make_caption_questions(searcher, most=1, seed=3)


def test_a_target_leaves_out_the_other_modality(searcher: Searcher) -> None:
    report = evaluate(searcher, [replace(QUESTIONS[1], target=Modality.IMAGE)])
    assert [one.direction for one in report.figures] == ["text->image", "text->any"]


def test_a_collection_without_captions_has_no_questions() -> None:
    encoder = LegibleEncoder()
    canary = canary_vectors(encoder, encoder.space.modalities)
    with connect(":memory:") as engine:
        empty = ensure_collection(engine, "empty", encoder.space, canary)
        searcher = Searcher(engine, empty, encoder)
        with pytest.raises(SettingsError, match="no image in empty__g001 has a caption to ask"):
            make_caption_questions(searcher)
        with pytest.raises(SettingsError, match="nothing that they should find is in empty__g001"):
            evaluate(searcher, QUESTIONS, Plan(skip_missing=True))


def test_floors_hold_for_each_direction_or_for_one(searcher: Searcher) -> None:
    floors = (
        Floor("recall@1", 0.75, Direction("text->image")),
        Floor("recall@1", 0.76, Direction("text->image")),
        Floor("mrr", 0.1, Direction("image->text")),
    )
    report = evaluate(searcher, QUESTIONS, Plan(floors=floors))
    assert [(one.floor, one.direction, one.value) for one in report.shortfalls] == [
        (floors[1], "text->image", 0.75),
        (floors[2], None, None),
    ]
    assert report.exit_code == 4
    everywhere = evaluate(searcher, QUESTIONS, Plan(floors=(Floor("recall@1", 1.0),)))
    assert {one.direction for one in everywhere.shortfalls} >= {"text->image", "text->text"}


def test_two_questions_with_one_id_are_refused(searcher: Searcher) -> None:
    with pytest.raises(SettingsError, match="two questions have the id 'red'"):
        evaluate(searcher, [QUESTIONS[1], replace(QUESTIONS[2], question_id="red")])


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"depth": 0}, SettingsError),
        ({"confidence": 1.0}, SettingsError),
        ({"resamples": 0}, SettingsError),
        ({"measures": ("f1",)}, SettingsError),
        ({"slices": ("colour",)}, UnknownField),
        ({"floors": (Floor("recall@3", 0.5),)}, SettingsError),
        ({"floors": (Floor("median_rank", 0.5),)}, SettingsError),
        (
            {
                "floors": (Floor("mrr", 0.5, Direction.TEXT_TO_TEXT),),
                "directions": (Direction.TEXT_TO_IMAGE,),
            },
            SettingsError,
        ),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(
    values: dict[str, object], error: type[QueryError | SettingsError]
) -> None:
    with pytest.raises(error):
        Plan(**values)  # type: ignore[arg-type]
