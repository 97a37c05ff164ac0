"""Two evaluations of the same questions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from schemas.errors import SettingsError
from schemas.evaluation import Direction, EvaluationReport, Outcome, read_report
from search.evaluate.comparison import compare

if TYPE_CHECKING:
    from collections.abc import Sequence


def to_report(values: Sequence[float], direction: Direction, **fields: str) -> EvaluationReport:
    outcomes = [
        Outcome(str(place), direction, fields.get("query", "red"), ("a",), 1, {"mrr": value})
        for place, value in enumerate(values)
    ]
    return EvaluationReport("photos__g001", "legible-1", {}, 100, 0.95, 500, 0, (), tuple(outcomes))


def test_means_difference_and_p_value_are_of_the_pairs() -> None:
    here = to_report([1, 1, 1, 0.5], Direction.TEXT_TO_IMAGE)
    there = to_report([0.5, 0.5, 0.5, 0.5, 1], Direction.TEXT_TO_IMAGE)  # one more question
    comparison = compare(here, there, "the other")
    [one] = comparison.differences
    assert (comparison.name, comparison.model_id) == ("the other", "legible-1")
    assert (one.direction, one.measure, one.questions) == ("text->image", "mrr", 4)
    assert (one.here, one.there, one.difference.value) == (0.875, 0.5, 0.375)
    assert one.p_value == 4 / 16  # three signs decide, and the fourth pair is equal
    assert 0 < one.difference.low <= 0.375 <= one.difference.high <= 0.5


def test_other_words_under_the_same_id_are_another_question() -> None:
    here = to_report([1], Direction.TEXT_TO_IMAGE)
    there = to_report([1], Direction.TEXT_TO_IMAGE, query="blue")
    with pytest.raises(SettingsError, match="the other answered none of these questions"):
        compare(here, there, "the other")


def test_an_image_may_lie_elsewhere() -> None:
    here = to_report([1, 0], Direction.IMAGE_TO_TEXT, query="/here/a.png")
    there = to_report([1, 0], Direction.IMAGE_TO_TEXT, query="/there/a.png")
    assert compare(here, there, "the other").differences[0].p_value == 1


def test_a_report_comes_back_from_its_json() -> None:
    report = to_report([1, 0.5], Direction.IMAGE_TO_ANY)
    report = replace(report, comparison=compare(report, report, "itself"), notes=("A note.",))
    assert read_report(json.dumps(report.to_json()), "r.json") == report


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"collection": 5}', "\x00"])
def test_what_is_no_report_is_refused(content: str) -> None:
    with pytest.raises(SettingsError, match=r"r\.json is no report of an evaluation"):
        read_report(content, "r.json")


def test_a_report_of_a_newer_program_is_refused() -> None:
    newer = {**to_report([1], Direction.TEXT_TO_TEXT).to_json(), "version": 2}
    with pytest.raises(SettingsError, match="version 2, this program reads 1"):
        read_report(json.dumps(newer), "r.json")
