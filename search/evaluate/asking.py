"""Exercises -> the answers of a searcher."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import DiptychError, EmptyQuery, InvalidVector, SourceError
from schemas.evaluation import Unanswered
from schemas.records import Modality
from search.evaluate.resolve import document_of, modality_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from schemas.evaluation import Direction
    from schemas.query import Page
    from search.evaluate.resolve import DocumentId, Exercise
    from search.searcher import Searcher

BATCH: Final = 32
"""Questions that are encoded together and put to the store in one round trip."""

OF_WORDS: Final = ("hybrid", "rerank")
"""Options that only a query with words can be answered with."""

_ONE_QUESTION: Final = (SourceError, EmptyQuery, InvalidVector)
"""What is the matter with one question, and not with the search."""


def ask_all(
    searcher: Searcher,
    exercises: Sequence[Exercise],
    direction: Direction,
    *,
    depth: int,
    options: Mapping[str, Any],
    show_progress: bool = False,
) -> tuple[dict[str, list[DocumentId]], list[Unanswered]]:
    """The documents that answer each question, best first, without the query itself.

    Args:
        searcher: Who is asked.
        exercises: What; those that cannot be asked are told apart.
        direction: Gives the target.
        depth: Documents of an answer at most.
        options: More keywords of the search.
        show_progress: Draw a bar where stderr is a terminal.

    Raises:
        DiptychError: As the searcher raises, where it is not for one question alone.
    """
    answers: dict[str, list[DocumentId]] = {}
    unanswered: list[Unanswered] = []
    for batch in _iter_batches(exercises, direction, show_progress=show_progress):
        asked = {"target": direction.target, "top_k": depth + _most_own(batch), **options}
        for exercise, page in _iter_pages(searcher, batch, asked):
            question = exercise.question
            if isinstance(page, DiptychError):
                unanswered.append(Unanswered(question.question_id, question.origin, str(page)))
                continue
            # Once each: with every chunk a hit, the first of a document counts.
            found = dict.fromkeys(document_of(hit) for hit in page.hits)
            kept = [document for document in found if document not in exercise.own]
            answers[question.question_id] = kept[:depth]
    return answers, unanswered


def to_direction_options(options: Mapping[str, Any], direction: Direction) -> Mapping[str, Any]:
    """The options that a direction can be asked with: images have no words to compare."""
    if direction.asked is Modality.TEXT:
        return options
    return {name: value for name, value in options.items() if name not in OF_WORDS}


def _iter_pages(
    searcher: Searcher, batch: Sequence[Exercise], asked: Mapping[str, Any]
) -> Iterator[tuple[Exercise, Page | DiptychError]]:
    """The page of each question, or why there is none."""
    try:
        pages = searcher.search_batch([exercise.query for exercise in batch], **asked)
    except _ONE_QUESTION as error:
        if len(batch) == 1:
            yield batch[0], error
            return
        for exercise in batch:  # it fails the whole batch, and does not say whose it is
            yield from _iter_pages(searcher, [exercise], asked)
    else:
        yield from zip(batch, pages, strict=True)


def _iter_batches(
    exercises: Sequence[Exercise], direction: Direction, *, show_progress: bool
) -> Iterator[list[Exercise]]:
    from tqdm import tqdm

    # None draws where there is a terminal, and leaves nothing behind in a log.
    hidden = None if show_progress else True
    with tqdm(total=len(exercises), desc=direction, leave=False, disable=hidden) as bar:
        waiting = iter(exercises)
        while batch := list(islice(waiting, BATCH)):
            yield batch
            bar.update(len(batch))


def _most_own(batch: Iterable[Exercise]) -> int:
    return max(len(exercise.own) for exercise in batch)


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
