"""A report as people read it."""

from __future__ import annotations

from schemas.evaluation import (
    Comparison,
    Difference,
    Direction,
    Estimate,
    EvaluationReport,
    Figures,
    Floor,
    Shortfall,
    Unanswered,
)
from search.evaluate.table import to_evaluation_table

DIRECTION = Direction.TEXT_TO_IMAGE
MEASURES = {"mrr": Estimate(0.5, 0.25, 0.75), "median_rank": Estimate(101, 2.5125, 101)}


def to_lines(**fields: object) -> list[str]:
    figures = (
        Figures(DIRECTION, "", 1_200, MEASURES),
        Figures(DIRECTION, "metadata.by=Ann\x1b", 1, MEASURES),
    )
    report = EvaluationReport(
        "photos__g001",
        "legible-1",
        options={},
        depth=100,
        confidence=0.9,
        resamples=10,
        seed=0,
        figures=figures,
        seconds=1.25,
        **fields,  # type: ignore[arg-type]
    )
    return to_evaluation_table(report).splitlines()


def test_figures_have_their_intervals_below_them_and_single_questions_none() -> None:
    assert to_lines() == [
        "                    questions        mrr  median_rank",
        "text->image             1,200      0.500         >100",
        "                               0.25-0.75  2.5 to >100",
        "  metadata.by=Ann?          1      0.500         >100",
        "",
        "photos__g001 (legible-1), the first 100 hits judged; 90% intervals; 1.2 s",
    ]


def test_differences_have_their_signs() -> None:
    difference = Difference(DIRECTION, "mrr", 9, 0.5, 0.5, Estimate(-1e-9, -0.2, 0.1), 0.00001)
    lines = to_lines(comparison=Comparison("other__g001", "legible-2", (difference,)))
    assert lines[5] == "against other__g001 (legible-2)"
    assert lines[7].split() == [
        "text->image",
        "mrr",
        "9",
        "0.500",
        "0.500",
        "+0.000",
        "-0.200",
        "to",
        "+0.100",
        "<0.001",
    ]


def test_what_is_to_know_stands_below() -> None:
    floor = Floor("mrr", 0.6, DIRECTION)
    lines = to_lines(
        shortfalls=(Shortfall(floor, DIRECTION, 0.5), Shortfall(floor, None, None)),
        missing=tuple(f"{number}.png" for number in range(7)),
        unanswered=tuple(Unanswered(str(n), "pairs.jsonl, line 1", "is broken") for n in range(6)),
        notes=("A note.",),
    )[5:-1]
    assert lines == [
        "not reached: text->image:mrr=0.6, text->image has 0.500",
        "not reached: text->image:mrr=0.6, for nothing could be asked in that direction",
        "",
        "A note.",
        "right items that are not indexed: 7 (0.png, 1.png, 2.png, 3.png, 4.png, ...)",
        *["not asked: pairs.jsonl, line 1: is broken"] * 5,
        "not asked: 6 questions in all",
    ]
