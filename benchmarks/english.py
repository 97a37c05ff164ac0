"""English prose for benchmarks that need no download: the Python reference that ships with Python.

With a file of captions, short texts come from there instead.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSAGE_WORDS = 200
_CAPTION_WORDS = (5, 20)
_SEED = 0


def iter_topics() -> Iterator[str]:
    """The topics of the reference, in the order of their names; about 100,000 words."""
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield topics[name]


def read_captions(count: int, file: Path | None = None) -> list[str]:
    """Short texts.

    Args:
        count: How many; a shorter file is read again from its beginning.
        file: JSON lines, each with a string under ``caption``; without it they are runs of 5 to 20
            words of the reference.
    """
    if file is None:
        generator = random.Random(_SEED)  # noqa: S311 - lengths, not secrets
        return _to_runs([generator.randint(*_CAPTION_WORDS) for _ in range(count)])
    with file.open(encoding="utf-8") as lines:
        found = [caption for line in lines if (caption := json.loads(line).get("caption"))]
    return [found[number % len(found)] for number in range(count)]


def make_passages(count: int) -> list[str]:
    """Texts of 200 words of the reference each."""
    return _to_runs([PASSAGE_WORDS] * count)


def _to_runs(lengths: list[int]) -> list[str]:
    words = [word for topic in iter_topics() for word in topic.split() if word[0].isalpha()]
    runs, start = [], 0
    for length in lengths:
        runs.append(" ".join(words[(start + at) % len(words)] for at in range(length)))
        start += length
    return runs
