"""Images by content with all their texts: what is split, trained on and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.described import Described
from ingest.encoders.bridge.examples import Examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingest.bridge.features import Descriptions
    from ingest.bridge.pairs import Pair


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a file of pairs, however many lines and paths have its bytes.

    Attributes:
        content_hash: Of its bytes.
        texts: Of all these lines, each once, in order.
        groups: Likewise.
    """

    content_hash: str
    texts: tuple[str, ...]
    groups: tuple[str, ...] = ()

    @property
    def bonds(self) -> frozenset[tuple[str, str]]:
        """What must not be on two sides of a split: its bytes, its texts, its groups."""
        return frozenset(
            {
                ("image", self.content_hash),
                *(("text", text) for text in self.texts),
                *(("group", group) for group in self.groups),
            }
        )


def to_items(pairs: Iterable[Pair], images: Descriptions, texts: Descriptions) -> list[Item]:
    """The items of those pairs that could be described, in order of their first line."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for pair in pairs:
        content_hash = images.hashes.get(pair.path)
        words = [text for text in pair.texts if text in texts.hashes]
        if content_hash is None or not words:
            continue
        own_texts, own_groups = found.setdefault(content_hash, ({}, {}))
        own_texts.update(dict.fromkeys(words))
        own_groups.update(dict.fromkeys([pair.group] if pair.group is not None else []))
    return [Item(name, tuple(words), tuple(groups)) for name, (words, groups) in found.items()]


def to_examples(items: Sequence[Item], images: Descriptions, texts: Descriptions) -> Examples:
    """What the encoders said of some items, as training reads it.

    Raises:
        ValueError: There is no item.
    """
    words = list(dict.fromkeys(text for item in items for text in item.texts))
    places = {text: place for place, text in enumerate(words)}
    owned = np.full((len(items), max(len(item.texts) for item in items)), -1, dtype=np.int64)
    for row, item in enumerate(items):
        owned[row, : len(item.texts)] = [places[text] for text in item.texts]
    return Examples(
        Described.concatenate([images.rows[item.content_hash] for item in items]),
        Described.concatenate([texts.rows[texts.hashes[text]] for text in words]),
        owned,
    )
