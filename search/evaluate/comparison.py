"""Two evaluations of the same questions, compared in pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from schemas.errors import SettingsError
from schemas.evaluation import Comparison, Difference, Direction
from schemas.records import Modality
from search.evaluate.statistics import estimate_means, to_p_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from schemas.evaluation import EvaluationReport
    from search.evaluate.questions import Question


def compare(here: EvaluationReport, there: EvaluationReport, name: str) -> Comparison:
    """Compare by every measure in every direction, on the questions that both answered.

    Questions are the same when they have the same id and, if they are words, the same words.

    Args:
        here: The evaluation in question.
        there: What it is compared with.
        name: What to call the other one.

    Raises:
        SettingsError: No question was answered by both.
    """
    differences = tuple(
        difference
        for direction in Direction
        for difference in _iter_differences(here, there, direction)
    )
    if not differences:
        _refuse(name)
    return Comparison(name, there.model_id, differences)


def check_comparable(questions: Iterable[Question], there: EvaluationReport, name: str) -> None:
    """Refuse, before anything is asked, what was asked other questions.

    Raises:
        SettingsError: No question has an id that the other evaluation knows.
    """
    known = {outcome.question_id for outcome in there.outcomes}
    if known.isdisjoint(question.question_id for question in questions):
        _refuse(name)


def _refuse(name: str) -> NoReturn:
    raise SettingsError(
        f"{name} answered none of these questions; compare evaluations of the same questions"
    )


def _iter_differences(
    here: EvaluationReport, there: EvaluationReport, direction: Direction
) -> Iterator[Difference]:
    import numpy as np

    ours, theirs = _read_values(here, direction), _read_values(there, direction)
    both = [key for key in ours if key in theirs]
    if not both:
        return
    for measure in ours[both[0]]:
        if measure not in theirs[both[0]]:
            continue
        one = [ours[key][measure] for key in both]
        other = [theirs[key][measure] for key in both]
        rows = np.array([one]) - np.array([other])
        how = {"resamples": here.resamples, "seed": here.seed}
        estimate = estimate_means(rows, confidence=here.confidence, **how)[0]
        p_value = to_p_value(one, other, seed=here.seed)
        means = float(np.mean(one)), float(np.mean(other))
        yield Difference(direction, measure, len(both), *means, estimate, p_value)


def _read_values(
    report: EvaluationReport, direction: Direction
) -> dict[tuple[str, str], Mapping[str, float]]:
    # An image may lie elsewhere on the machine of the other evaluation.
    is_text = direction.asked is Modality.TEXT
    return {
        (outcome.question_id, outcome.query if is_text else ""): outcome.values
        for outcome in report.outcomes
        if outcome.direction is direction
    }
