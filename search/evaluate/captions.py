"""Questions from a collection itself: captions must find their images, images their captions."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import SettingsError
from schemas.records import Modality, Part
from search.evaluate.catalogue import read_catalogue
from search.evaluate.questions import Question, merge_equal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search.evaluate.catalogue import Item
    from search.searcher import Searcher


def make_caption_questions(
    searcher: Searcher, *, most: int | None = None, seed: int = 0
) -> list[Question]:
    """Two questions for each image that is indexed with a caption: one either way.

    The image is asked for only where it lies in a file of its own.

    Args:
        searcher: Whose collection is read.
        most: Images at most, drawn by lot; None for all.
        seed: Of the lot.

    Raises:
        SettingsError: No image has a caption.
        StoreError: The store failed.
    """
    name = searcher.collection.name
    catalogue = read_catalogue(searcher.engine, name, _is_captioned)
    items = sorted(catalogue.items.values(), key=lambda item: item.source_uri)
    items = [item for item in items if item.has(Modality.IMAGE) and item.captions]
    if not items:
        raise SettingsError(
            f"no image in {name} has a caption to ask with; give questions with --pairs or --qrels"
        )
    if most is not None and most < len(items):
        items = random.Random(seed).sample(items, most)  # noqa: S311 - a sample, no secret
    return merge_equal(question for item in items for question in _iter_questions(item, name))


def _is_captioned(item: Item) -> bool:
    return bool(item.captions) or any(Part.CAPTION in parts for parts in item.parts.values())


def _iter_questions(item: Item, origin: str) -> Iterator[Question]:
    right = {item.source_uri: 1}
    for place, caption in enumerate(item.captions.values(), 1):
        yield Question(f"{item.source_uri} {place}", caption, right, origin=origin)
    path = Path(item.location)
    if item.has(Modality.TEXT) and path.is_file():
        named = f"{item.source_uri} image"
        yield Question(named, path, right, item=item.source_uri, origin=origin)
