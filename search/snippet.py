"""The passage of a text that a reader is shown."""

from __future__ import annotations

import re

SNIPPET_CHARS = 200
"""About how long a snippet is, in characters, without its ellipses."""

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_WORD = re.compile(r"\w{3,}")  # shorter words ("a", "of", "is") say little about a passage


def to_snippet(
    text: str,
    query_text: str | None = None,
    most_chars: int = SNIPPET_CHARS,
    *,
    start: int | None = None,
) -> str:
    """A readable excerpt, white space folded, cut at a word's end with an ellipsis.

    It begins at the sentence that is named, else at that which has the most of the query's words,
    at the text's beginning where none has any (and for image queries).

    Args:
        text: The whole passage that matched.
        query_text: The query's words, when it is a text.
        most_chars: Longest excerpt, in characters, not counting an ellipsis at either end.
        start: Where the sentence begins in the text that a reader should see.
    """
    folded = " ".join(text.split())
    if len(folded) <= most_chars:
        return folded
    if start is None:
        begin = _best_start(folded, query_text or "", most_chars)
    else:
        begin = len(folded) - len(" ".join(text[start:].split()))
    excerpt = _cut(folded[begin:], most_chars)
    return f"… {excerpt}" if begin else excerpt


def _best_start(folded: str, query_text: str, most_chars: int) -> int:
    """Offset of the best sentence, moved back by whole sentences while the rest still fits."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(folded))]
    ends = [*starts[1:], len(folded)]
    wanted = _words(query_text)
    found = [len(wanted & _words(folded[a:b])) for a, b in zip(starts, ends, strict=True)]
    best = found.index(max(found))
    while best and len(folded) - starts[best - 1] <= most_chars:
        best -= 1
    return starts[best]


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _cut(text: str, most_chars: int) -> str:
    if len(text) <= most_chars:
        return text
    # One character more, so that a word which ends exactly at the limit stays.
    head, _, _ = text[: most_chars + 1].rpartition(" ")
    return f"{head or text[:most_chars]}…"
