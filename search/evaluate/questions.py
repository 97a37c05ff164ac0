"""What is asked in an evaluation, and what should be found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Question:
    """One query with its right answers.

    Attributes:
        question_id: Unique among the questions; the same in every evaluation to be compared.
        query: Words, or the path of an image.
        right: How right each right item is, from 1 up, by its source URI or its path.
        target: Which modality of the right items is looked for; None for each that they have.
        item: The indexed item that an image query itself is, where the query's path does not name
            it; it is taken out of its own answers, and read from where it lies if the query's path
            is no file.
        folder: Where relative paths in ``right`` begin, besides the working directory.
        origin: Where the question stands: a file and its line.
    """

    question_id: str
    query: str | Path
    right: Mapping[str, int]
    target: Modality | None = None
    item: str | None = None
    folder: Path = field(default=Path())
    origin: str = ""

    @property
    def own_name(self) -> str | None:
        """What the query itself may be indexed as; None for words."""
        return self.item or (str(self.query) if isinstance(self.query, Path) else None)

    @property
    def modality(self) -> Modality:
        """Of the query."""
        return Modality.IMAGE if isinstance(self.query, Path) else Modality.TEXT


def merge_equal(questions: Iterable[Question]) -> list[Question]:
    """One question for each query and target, in order; it has all the right items of its equals.

    Two images with the same words are both right for these words: asked twice, each would be
    wrong once.
    """
    merged: dict[tuple[str | Path, Modality | None], Question] = {}
    for question in questions:
        key = question.query, question.target
        first = merged.get(key)
        right = {**first.right, **question.right} if first else question.right
        merged[key] = replace(first or question, right=right)
    return list(merged.values())
