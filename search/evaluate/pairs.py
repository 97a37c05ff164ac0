"""Questions from pairs of an image and its texts, a JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.errors import SettingsError
from schemas.lines import iter_lines, read_object, read_words
from schemas.pairs import TEXT_KEYS, read_image, read_texts, to_path
from schemas.records import Modality
from search.evaluate.questions import Question, merge_equal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_pairs(path: Path) -> list[Question]:
    """The questions of a file of pairs.

    A line is ``{"image": "dogs/17.jpg", "text": "a dog"}``: its texts should find the image, and
    the image its texts as far as they are indexed. ``text`` may be a list; ``captions`` and
    ``caption`` are other names for it. ``document`` names one or more indexed texts (a path or
    source URI) that the image should find too. Or a line is a question in one direction, as
    ``diptych migrate --pairs`` reads them: ``{"query": "a dog", "expected": "dogs/17.jpg"}`` or
    ``{"image": ..., "expected": ...}``, with ``target`` if wanted.

    Paths are relative to the file, else to the working directory. Equal texts are one question.

    Raises:
        SettingsError: The file cannot be read, has no pair, or a line is of another form; the
            message names the line.
    """
    questions = [
        question
        for number, (origin, line) in enumerate(iter_lines(path), 1)
        for question in _iter_questions(read_object(line, origin), number, origin, path.parent)
    ]
    if not questions:
        raise SettingsError(f'{path}: has no pair; write {{"image": "PATH", "text": "words"}}')
    return merge_equal(questions)


def _iter_questions(
    values: dict[str, Any], number: int, origin: str, folder: Path
) -> Iterator[Question]:
    if "expected" in values:
        yield _to_directed(values, number, origin, folder)
        return
    image = read_image(values, origin)
    texts = read_texts(values, origin)
    documents = read_words(values, "document", origin)
    if not (texts or documents):
        raise SettingsError(f"{origin}: has no text; the keys are {', '.join(TEXT_KEYS)}")
    for place, text in enumerate(texts, 1):
        yield Question(f"{number}.{place}", text, {image: 1}, folder=folder, origin=origin)
    found = dict.fromkeys((image, *documents), 1)
    query = to_path(image, folder)
    yield Question(f"{number}.image", query, found, item=image, folder=folder, origin=origin)


def _to_directed(values: dict[str, Any], number: int, origin: str, folder: Path) -> Question:
    """A question in the words of ``diptych migrate``."""
    expected = read_words(values, "expected", origin)
    if not expected:
        raise SettingsError(f"{origin}: expected names nothing; give a path or a source URI")
    return Question(
        str(number),
        _read_query(values, origin, folder),
        dict.fromkeys(expected, 1),
        target=_read_target(values, origin),
        folder=folder,
        origin=origin,
    )


def _read_query(values: dict[str, Any], origin: str, folder: Path) -> str | Path:
    words = values.get("query")
    if (words is None) == (values.get("image") is None):
        raise SettingsError(f"{origin}: needs either query (words) or image (a path)")
    if words is None:
        return to_path(read_image(values, origin), folder)
    if not isinstance(words, str) or not words.strip():
        raise SettingsError(f"{origin}: query is words, not {words!r:.80}")
    return words


def _read_target(values: dict[str, Any], origin: str) -> Modality | None:
    target = values.get("target")
    try:
        return None if target in (None, "any") else Modality(target)
    except ValueError:
        raise SettingsError(f"{origin}: target is image, text or any, not {target!r:.80}") from None
