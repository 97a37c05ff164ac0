"""The items of a collection that questions are about."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ingest.store.field_values import read_field
from schemas.collection import USER_FIELD, read_location
from schemas.errors import UnknownField
from schemas.payload_indexes import PAYLOAD_INDEXES
from schemas.records import Modality, Part
from search.fields import find_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ingest.store.engine import Engine

PAGE_POINTS = 1_000
"""Payloads read in one round trip."""

_READ = ("source_uri", "location", "modality", "part", "caption")
_USER_PREFIX = f"{USER_FIELD}."


@dataclass(frozen=True, slots=True)
class Item:
    """One indexed item.

    Attributes:
        source_uri: Its identity.
        location: Where it was when it was indexed.
        parts: As which parts it is indexed, by modality.
        captions: The captions of its images, see :func:`fold`.
        fields: Of its first point of each modality, the payload fields that were asked for.
    """

    source_uri: str
    location: str
    parts: dict[Modality, set[Part]] = field(default_factory=dict)
    captions: dict[str, str] = field(default_factory=dict)
    fields: dict[Modality, Mapping[str, Any]] = field(default_factory=dict)

    def has(self, modality: Modality) -> bool:
        """Whether the item itself, or its caption, is indexed as this: a figure in it is not it."""
        return bool(self.parts.get(modality, set()) - {Part.FIGURE})


class Catalogue:
    """Items by source URI and by location."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Sort them by both names."""
        self.items = {item.source_uri: item for item in items}
        self._by_location = {item.location: item for item in self.items.values()}

    def find(self, name: str, folder: Path) -> Item | None:
        """The item that a name means, which may be a source URI, a location or a path."""
        for one in to_names(name, folder):
            if found := self.items.get(one) or self._by_location.get(one):
                return found
        return None


def read_catalogue(
    engine: Engine,
    collection_name: str,
    is_wanted: Callable[[Item], bool],
    fields: Iterable[str] = (),
) -> Catalogue:
    """Read the payloads of a whole collection and keep the wanted items.

    Args:
        engine: Where it is.
        collection_name: Its own name.
        is_wanted: Told of each point's item: its names, part and caption, as one point has them.
        fields: Payload fields that will be sliced by.

    Raises:
        StoreError: The store failed.
    """
    roots = [USER_FIELD if name.startswith(_USER_PREFIX) else name for name in fields]
    read = sorted({*_READ, *roots})
    items: dict[str, Item] = {}
    for payload in _iter_payloads(engine, collection_name, read):
        item = _to_item(payload, roots)
        if is_wanted(item):
            _merge(items.setdefault(item.source_uri, item), item)
    return Catalogue(items.values())


def check_fields(fields: Iterable[str]) -> None:
    """Refuse to slice by what no payload has.

    Raises:
        UnknownField: The message names the known ones.
    """
    for name in fields:
        if name not in PAYLOAD_INDEXES and not name.startswith(_USER_PREFIX):
            known = ", ".join([*PAYLOAD_INDEXES, f"{_USER_PREFIX}NAME"])
            raise UnknownField(f"there is no field {name!r} to slice by; there are: {known}")


def read_values(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The values of a field as text, one or several; none where it is not set."""
    values = read_field(dict(fields), find_field(name).key)
    return tuple(dict.fromkeys(_to_word(one) for one in values if one is not None))


def _to_word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_names(name: str, folder: Path) -> Iterator[str]:
    """What an item may be called that a question calls ``name``, likeliest first."""
    yield name
    if "://" in name:
        return
    for path in dict.fromkeys((name, unquote(name))):
        yield path
        # Symbolic links stay, as they do when a folder is indexed.
        yield os.path.normpath((folder / path).absolute())
        yield os.path.normpath(os.path.join(os.getcwd(), path))  # noqa: PTH109, PTH118 - as above


def fold(words: str) -> str:
    """The words by which a caption is recognised: white space and case do not count."""
    return " ".join(words.split()).casefold()


def _iter_payloads(
    engine: Engine, collection_name: str, fields: list[str]
) -> Iterator[Mapping[str, Any]]:
    offset = None
    while True:
        points, offset = engine.scroll(
            collection_name, limit=PAGE_POINTS, offset=offset, with_payload=fields
        )
        yield from (point.payload for point in points if point.payload)
        if offset is None:
            return


def _to_item(payload: Mapping[str, Any], roots: list[str]) -> Item:
    modality, part = Modality(payload["modality"]), Part(payload.get("part", Part.CONTENT))
    caption = payload.get("caption") if part is not Part.FIGURE else None
    return Item(
        payload["source_uri"],
        read_location(payload),
        {modality: {part}},
        {fold(caption): caption} if caption else {},
        {modality: {root: payload[root] for root in roots if root in payload}},
    )


def _merge(item: Item, other: Item) -> None:
    item.captions.update(other.captions)
    for modality, parts in other.parts.items():
        item.parts.setdefault(modality, set()).update(parts)
        item.fields.setdefault(modality, other.fields[modality])
