"""Which words of a passage are marked as those that were asked for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_WORD = re.compile(r"\w{3,}")  # shorter words stand everywhere

_BLANK_LINES = re.compile(r"\n\s*\n")

_STOP_WORDS = {
    *("and", "are", "but", "can", "for", "from", "has", "have", "her", "his", "its", "not"),
    *("one", "our", "out", "she", "that", "the", "their", "them", "then", "there", "they"),
    *("this", "was", "were", "what", "when", "which", "who", "will", "with", "you", "your"),
}
"""English words that say nothing; marked, they would hide those that do."""

_LEAST_STEM = 4
"""Letters of a word that its other forms begin with: ``cake`` is marked in ``cakes``."""


_LEAST_SHARED = 12
"""Characters by which a sentence is found again; its end may be cut off."""


class Piece(NamedTuple):
    """A stretch of a passage.

    Attributes:
        text: Its characters.
        is_marked: Whether it answers the query.
    """

    text: str
    is_marked: bool


def mark_words(passage: str, query_text: str) -> list[Piece]:
    """The passage in stretches, the query's words marked in all their cases and plain forms.

    Joined they are the passage.
    """
    wanted = {word.casefold() for word in _WORD.findall(query_text)} - _STOP_WORDS
    found = [match.span() for match in _WORD.finditer(passage) if _is_wanted(match[0], wanted)]
    return _cut(passage, found)


def to_paragraphs(
    text: str, query_text: str, *, title: str = "", sentence: tuple[int, int] | None = None
) -> list[list[Piece]]:
    """A text by its blank lines, without its title where that is the first of them.

    Args:
        text: Of a passage.
        query_text: Whose words are marked where no sentence is, or only the title.
        title: That stands above it.
        sentence: Start and end of what is marked.
    """
    spans = [
        (start, end)
        for number, (start, end) in enumerate(_iter_paragraphs(text))
        if number or text[start:end].strip() != title
    ]
    if sentence is not None:
        found = [_cut(text[a:b], _to_shared(a, b, sentence)) for a, b in spans]
        if any(piece.is_marked for part in found for piece in part):
            return found
    return [mark_words(text[a:b], query_text) for a, b in spans]


def mark_sentence(passage: str, sentence: str) -> list[Piece]:
    """The passage with one sentence of it marked, or as much of it as the passage shows."""
    start = passage.find(sentence[:_LEAST_SHARED])
    if not sentence or start < 0:
        return _cut(passage, [])
    shared = next(
        (n for n, (a, b) in enumerate(zip(passage[start:], sentence, strict=False)) if a != b),
        min(len(sentence), len(passage) - start),
    )
    return _cut(passage, [(start, start + shared)])


def _iter_paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for blank in (*_BLANK_LINES.finditer(text), None):
        end = blank.start() if blank else len(text)
        if text[start:end].strip():
            yield start, end
        start = blank.end() if blank else end


def _to_shared(start: int, end: int, span: tuple[int, int]) -> list[tuple[int, int]]:
    """The part of a span that lies in a paragraph, counted from its start."""
    first, last = max(start, span[0]), min(end, span[1])
    return [(first - start, last - start)] if first < last else []


def _is_wanted(word: str, wanted: set[str]) -> bool:
    folded = word.casefold()
    return folded in wanted or any(
        len(one) >= _LEAST_STEM
        and len(folded) >= _LEAST_STEM
        and (folded.startswith(one) or one.startswith(folded))
        and abs(len(one) - len(folded)) <= 2  # noqa: PLR2004 - -s, -es, -ed
        for one in wanted
    )


def _cut(passage: str, spans: list[tuple[int, int]]) -> list[Piece]:
    pieces, position = [], 0
    for start, end in spans:
        pieces += [Piece(passage[position:start], is_marked=False)] if start > position else []
        pieces.append(Piece(passage[start:end], is_marked=True))
        position = end
    rest = passage[position:]
    return [*pieces, Piece(rest, is_marked=False)] if rest or not pieces else pieces
