"""The measures, as ir-measures computes them with trec_eval's own code."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ir_measures.measures import Measure

DEFAULT_MEASURES: Final = (
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr",
    "ndcg@10",
    "map",
    "median_rank",
)

MEDIAN_RANK: Final = "median_rank"
"""The one that is computed here, from the ranks of the first right items."""

_NAMES: Final = {
    "recall": "R",
    "success": "Success",
    "precision": "P",
    "mrr": "RR",
    "ndcg": "nDCG",
    "map": "AP",
}
_NEED_CUT: Final = ("recall", "success", "precision")
_FORM: Final = re.compile(r"([a-z_]+)(?:@([1-9][0-9]{0,4}))?")

Values = dict[str, dict[str, float]]
"""By question, by measure."""


def check_measures(names: Sequence[str]) -> None:
    """Refuse what cannot be measured, before anything is asked.

    Raises:
        SettingsError: A measure is unknown or lacks its ``@k``, or ir-measures is not installed.
    """
    for name in names:
        form = _FORM.fullmatch(name)
        known = form and (form[1] in _NAMES or name == MEDIAN_RANK)
        if form is None or not known or (form[1] in _NEED_CUT and not form[2]):
            raise SettingsError(
                f"there is no measure {name!r}; there are recall@K, success@K, precision@K, mrr, "
                f"mrr@K, ndcg@K, map and {MEDIAN_RANK}"
            )
    if find_spec("ir_measures") is None or find_spec("scipy") is None:
        raise SettingsError("to evaluate needs ir-measures: pip install 'diptych[evaluate]'")


def compute(
    names: Sequence[str],
    right: Mapping[str, Mapping[str, int]],
    answers: Mapping[str, Sequence[str]],
) -> Values:
    """Each measure of each question.

    Args:
        names: See :func:`check_measures`; the median rank, which is of no single question, is
            left out.
        right: Grade by document by question.
        answers: Documents by question, best first.
    """
    import ir_measures

    measures = {_to_measure(name): name for name in names if name != MEDIAN_RANK}
    values: Values = {question_id: {} for question_id in right}
    # trec_eval orders by score, not as given, and equal scores by id: a rank is no tie.
    run = {
        question_id: {document: -float(rank) for rank, document in enumerate(answers[question_id])}
        for question_id in right
    }
    graded = {question_id: dict(grades) for question_id, grades in right.items()}
    for metric in ir_measures.iter_calc(list(measures), graded, run):
        values[metric.query_id][measures[metric.measure]] = float(metric.value)
    return {
        question_id: {name: found[name] for name in measures.values()}
        for question_id, found in values.items()
    }


def find_rank(right: Mapping[str, int], answer: Sequence[str]) -> int | None:
    """Rank of the first right document, from 1."""
    return next((rank for rank, one in enumerate(answer, 1) if one in right), None)


def _to_measure(name: str) -> Measure:
    import ir_measures

    own, at, cut = name.partition("@")
    return ir_measures.parse_measure(f"{_NAMES[own]}{at}{cut}")
