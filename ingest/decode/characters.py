"""Text as it is indexed: one spelling for what reads the same, nothing that cannot be seen."""

from __future__ import annotations

import re
from unicodedata import combining, normalize

_LINE_ENDS = re.compile("\r\n?|[\v\x1c-\x1e\x85\u2028\u2029]")
_PAGE_ENDS = re.compile("\f")
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")

_MAX_MARKS = 30
"""Combining marks in a row, as in the Stream-Safe Text Format (UAX #15, 13)."""

_MARK_RUNS = re.compile(rf"[^\x00-\u02ff\w\s]{{{_MAX_MARKS + 1},}}")
"""Holds every run of too many marks: none of them is a letter, a digit or a space."""


def to_normal_text(text: str) -> str:
    r"""NFC, lines ended by ``\n``, without control characters and byte order marks.

    A form feed becomes an empty line and a lone surrogate U+FFFD. Of a run of combining marks the
    first 30 stay: Python normalises longer ones in quadratic time (200,000 took a minute).
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _PAGE_ENDS.sub("\n\n", text)
    text = _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text))
    return text if text.isascii() else normalize("NFC", _MARK_RUNS.sub(_thin_marks, text))


def to_title(text: str | None, max_chars: int = 300) -> str | None:
    """One line of at most ``max_chars``, or None when nothing is left."""
    line = " ".join(to_normal_text(text or "").split())
    return line[:max_chars].rstrip() or None


def _thin_marks(match: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in match[0]:
        marks = marks + 1 if combining(character) else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)
