"""Put questions to a searcher and measure the answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from schemas.errors import SettingsError
from schemas.evaluation import Direction, EvaluationReport
from schemas.records import Modality
from search.evaluate.asking import OF_WORDS, ask_all, to_direction_options, to_right
from search.evaluate.catalogue import read_catalogue, to_names
from search.evaluate.figures import iter_outcomes, iter_slices, measure
from search.evaluate.floors import iter_shortfalls
from search.evaluate.plan import Plan
from search.evaluate.remembering import to_remembering
from search.evaluate.resolve import check_missing, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from schemas.evaluation import Figures, Outcome, Unanswered
    from search.evaluate.questions import Question
    from search.evaluate.resolve import Resolved
    from search.searcher import Searcher

OWN_OPTIONS = ("query", "target", "top_k", "cursor")
"""Options of a search that an evaluation sets itself."""


def evaluate(
    searcher: Searcher,
    questions: Iterable[Question],
    plan: Plan | None = None,
    **options: Any,  # noqa: ANN401 - the searcher's
) -> EvaluationReport:
    """Measure how well a collection answers.

    Each question is asked in every direction in which it has something to find: for the images and
    for the texts among what is right for it, and for any. Right documents are told apart by
    modality, so a caption that is found is not yet its image.

    Args:
        searcher: Who answers.
        questions: What is asked, with ids that differ.
        plan: How it is measured; None for the defaults.
        **options: More keywords of every search, such as ``where`` or ``all_chunks``; those that
            compare words (``hybrid``, ``rerank``) are left out where an image is searched with.

    Raises:
        SettingsError: Right items are not indexed (unless ``skip_missing``), two questions have
            the same id, or not one can be asked.
        DiptychError: As the searcher raises, where it is not for one question alone.
    """
    begun = time.perf_counter()
    plan = plan or Plan()
    asked = list(questions)
    _check(asked, options)
    searcher = to_remembering(searcher)
    resolved = _resolve(searcher, asked, plan)
    figures: list[Figures] = []
    outcomes: list[Outcome] = []
    unanswered: dict[str, Unanswered] = {one.question_id: one for one in resolved.unanswered}
    for direction in _directions(resolved, plan):
        exercises = [one for one in resolved.exercises if direction in one.directions]
        answers, failed = ask_all(
            searcher,
            exercises,
            direction,
            depth=plan.depth,
            options=to_direction_options(options, direction),
            show_progress=plan.show_progress,
        )
        unanswered.update((one.question_id, one) for one in failed)
        right = to_right(exercises, direction, answers)
        if not right:
            continue
        whole, values = measure(direction, "", right, answers, plan)
        figures += [whole, *iter_slices(direction, right, exercises, answers, plan)]
        outcomes += iter_outcomes(direction, exercises, right, answers, values)
    _check_measured(figures, unanswered, searcher.collection.name)
    return EvaluationReport(
        collection=searcher.collection.name,
        model_id=searcher.encoder.space.model_id,
        options={name: str(value) for name, value in options.items()},
        depth=plan.depth,
        confidence=plan.confidence,
        resamples=plan.resamples,
        seed=plan.seed,
        figures=tuple(figures),
        outcomes=tuple(outcomes),
        unanswered=tuple(unanswered.values()),
        missing=resolved.missing,
        shortfalls=tuple(iter_shortfalls(plan.floors, figures)),
        notes=tuple(_iter_notes(resolved, figures, options)),
        seconds=time.perf_counter() - begun,
    )


def _check(questions: Sequence[Question], options: dict[str, Any]) -> None:
    taken = [name for name in OWN_OPTIONS if name in options]
    if taken:
        raise SettingsError(f"{taken[0]} is set by the evaluation itself; leave it out")
    ids = [question.question_id for question in questions]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise SettingsError(f"two questions have the id {twice!r}; give each its own")


def _resolve(searcher: Searcher, questions: Sequence[Question], plan: Plan) -> Resolved:
    wanted = {
        name
        for question in questions
        for given in (*question.right, *([question.own_name] if question.own_name else []))
        for name in to_names(given, question.folder)
    }
    name = searcher.collection.name
    catalogue = read_catalogue(
        searcher.engine,
        name,
        lambda item: item.source_uri in wanted or item.location in wanted,
        plan.slices,
    )
    resolved = resolve(questions, catalogue)
    if not plan.skip_missing:
        check_missing(questions, resolved.missing, name)
    return resolved


def _directions(resolved: Resolved, plan: Plan) -> list[Direction]:
    found = {direction for exercise in resolved.exercises for direction in exercise.directions}
    return [one for one in plan.directions or Direction if one in found]


def _check_measured(
    figures: Sequence[Figures], unanswered: dict[str, Unanswered], collection_name: str
) -> None:
    if figures:
        return
    first = next(iter(unanswered.values()), None)
    reason = first.reason if first else f"nothing that they should find is in {collection_name}"
    raise SettingsError(f"not one question could be asked: {reason}")


def _iter_notes(
    resolved: Resolved, figures: Sequence[Figures], options: Mapping[str, Any]
) -> Iterator[str]:
    left_out = [name for name in OF_WORDS if options.get(name)]
    if left_out and any(one.direction.asked is Modality.IMAGE for one in figures):
        yield f"images have no words: they were searched with without {' and '.join(left_out)}"
    if resolved.pointless:
        yield (
            f"questions that have nothing to find but themselves: {resolved.pointless:,} (an image "
            f"whose words are not indexed, or with --skip-missing what is not indexed at all)"
        )
