"""What is asked: words and photographs of the index itself."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks.serving.load import Asked, to_request

if TYPE_CHECKING:
    from collections.abc import Sequence

PHRASES = tuple(
    f"{what} {where}"
    for what in (
        *("a dog", "two old friends", "a steam engine", "soldiers", "a bowl of soup", "a crowd"),
        *("a chart of prices", "a nurse with a patient", "cells under a microscope", "a galaxy"),
    )
    for where in ("on a beach", "in the snow", "at night", "in a museum", "under a tree", "in 1950")
)
LARGEST_BYTES = 400_000


def to_requests(index: Path, *, images: int, seed: int = 0) -> tuple[list[Asked], list[Asked]]:
    """Searches with words and with images, one of each target.

    Args:
        index: An embedded index whose photographs are where they were; opened and closed.
        images: How many photographs to ask with.
        seed: Chooses them.
    """
    from ingest.store.connect import connect
    from schemas.collection import modality_filter, read_location
    from schemas.records import Modality

    with connect(str(index)) as engine:
        points, _ = engine.scroll(
            "diptych", modality_filter(Modality.IMAGE), limit=4 * images, with_payload=True
        )
        paths = [Path(read_location(point.payload or {})) for point in points]
    small = [one for one in paths if one.is_file() and one.stat().st_size <= LARGEST_BYTES]
    chosen = Random(seed).sample(small, min(images, len(small)))  # noqa: S311 - no secret
    targets = ("image", "text", "any")
    words = [Asked("text", _to_search(target, text=text)) for text in PHRASES for target in targets]
    pictures = [
        Asked("image", _to_search(target, image=b64encode(one.read_bytes()).decode()))
        for number, one in enumerate(chosen)
        for target in targets[number % 3 : number % 3 + 1]
    ]
    return words, pictures


def mix(words: Sequence[Asked], pictures: Sequence[Asked], *, count: int, seed: int) -> list[Asked]:
    """So many of them in random order, one in five with an image."""
    random = Random(seed)  # noqa: S311 - no secret
    return [
        random.choice(pictures) if pictures and number % 5 == 0 else random.choice(words)
        for number in random.sample(range(count), count)
    ]


def _to_search(target: str, **query: str) -> bytes:
    return to_request("/v1/search", json.dumps({**query, "target": target, "top_k": 10}).encode())
