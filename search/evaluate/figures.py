"""Answers -> figures, over all questions of a direction and over slices of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from schemas.evaluation import Direction, Figures, Outcome
from schemas.query import Target
from search.evaluate.catalogue import read_values
from search.evaluate.measures import MEDIAN_RANK, compute, find_rank
from search.evaluate.resolve import modality_of
from search.evaluate.statistics import estimate_means, estimate_median

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from schemas.evaluation import Estimate
    from search.evaluate.measures import Values
    from search.evaluate.plan import Plan
    from search.evaluate.resolve import DocumentId, Exercise

    Right = Mapping[str, Mapping[DocumentId, int]]
    """Grade by document by question."""

MOST_SLICES = 20
"""Of one field; those with the most questions are measured."""


def measure(
    direction: Direction, part: str, right: Right, answers: Mapping[str, Sequence[str]], plan: Plan
) -> tuple[Figures, Values]:
    """The figures over some questions, and the values of each of them."""
    values = compute(plan.measures, right, answers)
    estimates = _estimate(values, right, answers, plan)
    return Figures(direction, part, len(right), estimates), values


def iter_slices(
    direction: Direction,
    right: Right,
    exercises: Iterable[Exercise],
    answers: Mapping[str, Sequence[str]],
    plan: Plan,
) -> Iterator[Figures]:
    """The slices of a direction: by modality where it is mixed, and by the fields of the plan.

    In a slice the right documents with its value are the only right ones.
    """
    items = {key: item for exercise in exercises for key, item in exercise.items.items()}
    fields = [*(["modality"] if direction.target is Target.ANY else []), *plan.slices]
    for field in dict.fromkeys(fields):
        parts: defaultdict[str, dict[str, dict[DocumentId, int]]] = defaultdict(dict)
        for question_id, grades in right.items():
            for document, grade in grades.items():
                modality = modality_of(document)
                known = {"modality": str(modality), **items[document].fields.get(modality, {})}
                for value in read_values(known, field) or ("(none)",):
                    parts[value].setdefault(question_id, {})[document] = grade
        if field == "modality" and field not in plan.slices and len(parts) == 1:
            continue  # it would say the same again
        largest = sorted(parts, key=lambda value: (-len(parts[value]), value))[:MOST_SLICES]
        for value in largest:
            yield measure(direction, f"{field}={value}", parts[value], answers, plan)[0]


def iter_outcomes(
    direction: Direction,
    exercises: Iterable[Exercise],
    right: Right,
    answers: Mapping[str, Sequence[str]],
    values: Values,
) -> Iterator[Outcome]:
    """What became of each answered question."""
    for exercise in exercises:
        question_id = exercise.question.question_id
        if question_id not in values:
            continue
        grades = right[question_id]
        yield Outcome(
            question_id,
            direction,
            str(exercise.query),
            tuple(dict.fromkeys(exercise.items[document].source_uri for document in grades)),
            find_rank(grades, answers[question_id]),
            values[question_id],
            tuple(dict.fromkeys(one.rpartition("#")[0] for one in sorted(exercise.own))),
        )


def _estimate(
    values: Values, right: Right, answers: Mapping[str, Sequence[str]], plan: Plan
) -> dict[str, Estimate]:
    import numpy as np

    how = {"resamples": plan.resamples, "seed": plan.seed}
    averaged = [name for name in plan.measures if name != MEDIAN_RANK]
    rows = np.array([[one[name] for one in values.values()] for name in averaged])
    means = estimate_means(rows, confidence=plan.confidence, **how) if averaged else []
    estimates = dict(zip(averaged, means, strict=True))
    if MEDIAN_RANK in plan.measures:
        ranks = [find_rank(right[key], answers[key]) or plan.depth + 1 for key in right]
        estimates[MEDIAN_RANK] = estimate_median(
            np.array(ranks, dtype=np.float64), confidence=plan.confidence, **how
        )
    return {name: estimates[name] for name in plan.measures}
