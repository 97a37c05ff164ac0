"""Questions -> what is right for them in one collection."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from schemas.errors import SettingsError
from schemas.evaluation import Direction, Unanswered
from schemas.query import Target
from schemas.records import Modality
from search.evaluate.catalogue import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schemas.query import Hit
    from search.evaluate.catalogue import Catalogue, Item
    from search.evaluate.questions import Question

    DocumentId: TypeAlias = str
    """An item in one modality: its photograph and its caption are two documents."""

SHOWN_NAMES = 3
"""Names that an error lists before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question, ready to be put to one collection.

    Attributes:
        question: As given.
        query: What is searched with: words, or a file.
        right: Grade of each right document.
        items: The item of each right document.
        own: Documents that are the query itself; taken out of the answers.
    """

    question: Question
    query: str | Path
    right: Mapping[DocumentId, int]
    items: Mapping[DocumentId, Item]
    own: frozenset[DocumentId]

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Those in which there is something to find."""
        found = {modality_of(document) for document in self.right}
        targets = [Target(one) for one in Modality if one in found]
        return tuple(self._to(one) for one in [*targets, *([Target.ANY] if targets else [])])

    def _to(self, target: Target) -> Direction:
        return Direction(f"{self.question.modality}->{target}")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of the questions in one collection.

    Attributes:
        exercises: Those that can be asked, in order.
        missing: Names that are not indexed, in order.
        pointless: How many questions have nothing to find: all that is right is not there, or is
            the query itself.
        unanswered: Questions whose image cannot be read where it should lie.
    """

    exercises: tuple[Exercise, ...]
    missing: tuple[str, ...]
    pointless: int
    unanswered: tuple[Unanswered, ...]


def to_document_id(source_uri: str, modality: Modality) -> DocumentId:
    """The id by which an item in one modality is judged."""
    return f"{source_uri}#{modality}"


def document_of(hit: Hit) -> DocumentId:
    """The document that a hit belongs to."""
    return to_document_id(hit.source_uri, hit.modality)


def modality_of(document: DocumentId) -> Modality:
    """The modality of a document."""
    return Modality(document.rpartition("#")[2])


def resolve(questions: Iterable[Question], catalogue: Catalogue) -> Resolved:
    """Find the right items of every question; decide what counts as right, and what as the query.

    An item counts in each modality that it, or its caption, is indexed in; its figures count
    where a question looks for images by name. Words that stand in the index as a caption of the
    right item are themselves no answer, nor is an image that is searched with, nor are this image's
    own words where it is not among what is right.
    """
    exercises: list[Exercise] = []
    missing: dict[str, None] = {}
    unanswered: list[Unanswered] = []
    pointless = 0
    for question in questions:
        exercise = _to_exercise(question, catalogue, missing)
        if not exercise.right:
            pointless += 1
        elif isinstance(exercise.query, Path) and not _is_file(exercise.query):
            reason = f"{exercise.query} is no file to search with; only files can be"
            unanswered.append(Unanswered(question.question_id, question.origin, reason))
        else:
            exercises.append(exercise)
    return Resolved(tuple(exercises), tuple(missing), pointless, tuple(unanswered))


def check_missing(
    questions: Sequence[Question], missing: Sequence[str], collection_name: str
) -> None:
    """Refuse to measure on less than was asked for.

    Raises:
        SettingsError: Something is missing; says how much, and where the first is named.
    """
    if not missing:
        return
    first = next(one for one in questions if missing[0] in one.right)
    shown = ", ".join(missing[:SHOWN_NAMES]) + (", ..." if len(missing) > SHOWN_NAMES else "")
    raise SettingsError(
        f"{first.origin or 'the questions'}: right items that are not indexed in "
        f"{collection_name}: {len(missing):,} ({shown}); index them, or leave them out with "
        f"--skip-missing"
    )


def _to_exercise(question: Question, catalogue: Catalogue, missing: dict[str, None]) -> Exercise:
    right: dict[DocumentId, int] = {}
    items: dict[DocumentId, Item] = {}
    own_name = question.own_name
    itself = catalogue.find(own_name, question.folder) if own_name else None
    own = {to_document_id(itself.source_uri, Modality.IMAGE)} if itself else set()
    for name, grade in question.right.items():
        item = catalogue.find(name, question.folder)
        if item is None:
            missing[name] = None
            continue
        for modality in _modalities(item, question):
            document = to_document_id(item.source_uri, modality)
            if _is_its_words(question, item, modality):
                own.add(document)
            else:
                right[document] = max(grade, right.get(document, 0))
                items[document] = item
    if itself and all(item.source_uri != itself.source_uri for item in items.values()):
        own.add(to_document_id(itself.source_uri, Modality.TEXT))
    kept = {document: grade for document, grade in right.items() if document not in own}
    return Exercise(question, _to_query(question, itself), kept, items, frozenset(own))


def _modalities(item: Item, question: Question) -> list[Modality]:
    if question.target is not None:
        return [question.target] if question.target in item.parts else []
    return [modality for modality in Modality if item.has(modality)]


def _is_its_words(question: Question, item: Item, modality: Modality) -> bool:
    """Whether the query is the caption that stands in the index."""
    is_text = isinstance(question.query, str) and modality is Modality.TEXT
    return is_text and fold(str(question.query)) in item.captions


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file fails where a name is too long


def _to_query(question: Question, itself: Item | None) -> str | Path:
    query = question.query
    if isinstance(query, str) or _is_file(query) or itself is None:
        return query
    return Path(itself.location)
