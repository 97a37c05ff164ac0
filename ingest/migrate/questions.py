"""The questions that two generations are compared with: the user's pairs, or their own items."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from schemas.collection import from_payload
from schemas.errors import SettingsError
from schemas.records import Modality, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ingest.store.engine import Engine
    from schemas.records import Chunk, Record

MOST_QUESTIONS = 200
"""Of self-retrieval; the figure's standard error is then at most 3.5 points."""

PAGE_POINTS = 50
"""Points read from one random place: ids are spread evenly, so pages of them are a sample."""

MOST_PAGES = 40

_SENTENCE = re.compile(r"(?:\S+\s+){3,24}?\S*[.!?](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched for, and what should be found.

    Attributes:
        text: The query's words; None for an image.
        image: The record whose image, cropped, is the query; None for words.
        path: The image file that is the query, as it is.
        expected: Source URIs or locations; one of them is enough.
        target: Modality that is searched, or None for any.
    """

    expected: frozenset[str]
    text: str | None = None
    image: Record | None = None
    path: Path | None = None
    target: Modality | None = None


def read_pairs(path: Path) -> list[Question]:
    """The user's own pairs, a JSON object a line.

    ``{"query": "words"}`` or ``{"image": "file.jpg"}``, with ``"expected"`` (a source URI, a path,
    or a list of them) and, if wanted, ``"target"`` (``image`` or ``text``).

    Raises:
        SettingsError: The file cannot be read, or a line is of another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SettingsError(f"--pairs {path}: cannot be read ({error})") from error
    questions = [
        _to_question(line, f"--pairs {path}, line {number}", path.parent)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not questions:
        raise SettingsError(f"--pairs {path}: there is no pair in it")
    return questions


def make_questions(
    engine: Engine, collection_names: Sequence[str], *, seed: int = 0
) -> list[Question]:
    """Questions whose answer is known, from a sample of what is indexed.

    A caption must find its image, a sentence the document that it is from, and the middle of an
    image that image.

    Args:
        engine: Where the collections are.
        collection_names: As many questions come from each: passages are cut as a model's window
            is, so those of one side alone would favour it.
        seed: Another one chooses other items.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    chosen = random.Random(seed)  # noqa: S311 - a sample, no secret
    share = MOST_QUESTIONS // len(collection_names)
    return [
        question
        for name in collection_names
        for question in _make(engine, name, chosen, most=share)
    ]


def _make(
    engine: Engine, collection_name: str, chosen: random.Random, *, most: int
) -> list[Question]:
    words: dict[str, Question] = {}
    images: dict[str, Question] = {}
    for chunk in _iter_sample(engine, collection_name, chosen):
        uri = chunk.record.source_uri
        if chunk.modality is Modality.IMAGE and chunk.part is Part.CONTENT:
            if chunk.frame in (None, 1):
                images[uri] = Question(frozenset({uri}), image=chunk.record, target=Modality.IMAGE)
        elif chunk.modality is Modality.TEXT and (text := _to_sentence(chunk)):
            target = Modality.IMAGE if chunk.part is Part.CAPTION else Modality.TEXT
            words.setdefault(uri, Question(frozenset({uri}), text=text, target=target))
        if min(len(words), len(images)) >= most // 2:
            break
    half = most // 2
    return [*list(words.values())[:half], *list(images.values())[:half]]


def _iter_sample(engine: Engine, collection_name: str, chosen: random.Random) -> Iterator[Chunk]:
    for _ in range(MOST_PAGES):
        start = str(UUID(int=chosen.getrandbits(128)))
        points, _ = engine.scroll(collection_name, limit=PAGE_POINTS, offset=start)
        yield from _to_chunks(point.payload or {} for point in points)
    # The last pages of a small collection, where a random place is often behind the end.
    points, _ = engine.scroll(collection_name, limit=PAGE_POINTS)
    yield from _to_chunks(point.payload or {} for point in points)


def _to_chunks(payloads: Iterable[dict[str, object]]) -> Iterator[Chunk]:
    for payload in payloads:
        yield from_payload(payload)


def _to_sentence(chunk: Chunk) -> str | None:
    """A caption as it is; of a passage its first sentence, or what stands in its place."""
    if chunk.part is Part.CAPTION:
        return chunk.text
    found = _SENTENCE.search(chunk.text)
    return found[0] if found else " ".join(chunk.text.split()[:12]) or None


def _to_question(line: str, where: str, folder: Path) -> Question:
    try:
        pair = json.loads(line)
        expected = pair["expected"]
        answers = [expected] if isinstance(expected, str) else list(expected)
        target = Modality(pair["target"]) if pair.get("target") else None
        text, image = pair.get("query"), pair.get("image")
        if bool(text) == bool(image) or not answers:
            raise ValueError("it needs either query or image, and expected")  # noqa: TRY301 - joined
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f'{where}: is no pair ({error}); write {{"query": "words", "expected": "PATH"}}'
        ) from error
    found = frozenset(one for answer in answers for one in _to_names(str(answer), folder))
    return Question(found, text=text, path=folder / image if image else None, target=target)


def _to_names(answer: str, folder: Path) -> set[str]:
    """A source URI as it is; a path also as an absolute one."""
    return {answer} if "://" in answer else {answer, str((folder / answer).absolute())}
