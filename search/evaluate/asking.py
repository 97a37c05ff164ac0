"""Exercises -> the answers of a searcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.errors import EmptyQuery, InvalidVector, SourceError
from schemas.evaluation import Unanswered
from search.evaluate.resolve import document_of, modality_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schemas.evaluation import Direction
    from search.evaluate.resolve import DocumentId, Exercise
    from search.searcher import Searcher


def ask_all(
    searcher: Searcher,
    exercises: Iterable[Exercise],
    direction: Direction,
    *,
    depth: int,
    options: Mapping[str, Any],
) -> tuple[dict[str, list[DocumentId]], list[Unanswered]]:
    """The documents that answer each question, best first, without the query itself.

    Args:
        searcher: Who is asked.
        exercises: What; those that cannot be asked are told apart.
        direction: Gives the target.
        depth: Documents of an answer at most.
        options: More keywords of the search.

    Raises:
        DiptychError: As the searcher raises, where it is not for one question alone.
    """
    answers: dict[str, list[DocumentId]] = {}
    unanswered: list[Unanswered] = []
    for exercise in exercises:
        question = exercise.question
        try:
            page = searcher.search(
                exercise.query,
                target=direction.target,
                top_k=depth + len(exercise.own),
                **options,
            )
        except (SourceError, EmptyQuery, InvalidVector) as error:
            unanswered.append(Unanswered(question.question_id, question.origin, str(error)))
            continue
        # Once each: with every chunk a hit, the first of a document counts.
        found = dict.fromkeys(document_of(hit) for hit in page.hits)
        kept = [document for document in found if document not in exercise.own]
        answers[question.question_id] = kept[:depth]
    return answers, unanswered


def to_right(
    exercises: Iterable[Exercise], direction: Direction, answered: Mapping[str, Sequence[str]]
) -> dict[str, dict[DocumentId, int]]:
    """What is right for each answered question in a direction: documents it looks for."""
    targets = direction.target.modalities
    return {
        exercise.question.question_id: {
            document: grade
            for document, grade in exercise.right.items()
            if modality_of(document) in targets
        }
        for exercise in exercises
        if exercise.question.question_id in answered
    }
