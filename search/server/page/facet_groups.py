"""What the answers can be narrowed by: values with their counts, chosen or not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from schemas.query import Target
from schemas.where import field
from search.server.page.address import FIELDS, Address
from search.server.page.cards import to_type_name
from search.server.service import Service

HEADINGS: Final = {
    "type": "Kind",
    "year": "Year taken",
    "keyword": "Keywords",
    "tag": "Tags",
    "language": "Language",
    "root": "Collection",
}

MOST_VALUES: Final = 12

KEPT_SECONDS: Final = 30.0
"""Counting years reads every point; what is a little old is still good for choosing."""

MOST_KEPT: Final = 256

LANGUAGES: Final = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian",
    "ja": "Japanese", "la": "Latin", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese",
    "ru": "Russian", "zh": "Chinese",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One value.

    Attributes:
        name: Of its group in the address.
        value: In the address.
        label: For people.
        count: How many items have it; None where nobody counted.
        is_chosen: Whether it is asked for.
        url: The address with it chosen, or no longer.
    """

    name: str
    value: str
    label: str
    count: int | None
    is_chosen: bool
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """A field with its values, the most frequent first."""

    heading: str
    choices: tuple[Choice, ...]


class FacetCounter:
    """Counts values, and keeps the counts for a while.

    Args:
        service: Counts.
    """

    def __init__(self, service: Service) -> None:
        """Count nothing yet."""
        self._service = service
        self._kept: dict[str, tuple[float, list[tuple[str, int]]]] = {}

    async def read_groups(self, address: Address) -> list[Group]:
        """The groups in which there is something to choose.

        Raises:
            DiptychError: As :meth:`search.searcher.Searcher.facets` does.
        """
        allowed = self._service.settings.serve.filter_fields
        groups = [
            await self._read_group(address, name)
            for name, field_name in FIELDS.items()
            if not allowed or field_name in allowed
        ]
        return [one for one in groups if len(one.choices) > 1 or _is_used(one)]

    async def _read_group(self, address: Address, name: str) -> Group:
        counts = dict(await self._count(address, name))
        chosen = [value for key, value in address.chosen if key == name]
        values = dict.fromkeys([*counts, *chosen])
        return Group(
            HEADINGS[name],
            tuple(to_choice(address, name, one, counts.get(one)) for one in values),
        )

    async def _count(self, address: Address, name: str) -> list[tuple[str, int]]:
        where = [*address.to_where(besides=name), field("chunk_ordinal") == 0]
        key = repr((self._service.collection_name, name, address.target, where))
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        target: Target = address.target
        found = await self._service.facets(
            FIELDS[name], target=target, where=where, limit=MOST_VALUES
        )
        values = [(str(one.value), one.count) for one in found.values]
        while len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = time.monotonic(), values
        return values


def to_choice(address: Address, name: str, value: str, count: int | None = None) -> Choice:
    """A value that can be chosen, or is."""
    return Choice(
        name=name,
        value=value,
        label=to_label(name, value),
        count=count,
        is_chosen=(name, value) in address.chosen,
        url=address.toggling(name, value),
    )


def to_label(name: str, value: str) -> str:
    """What people call a value."""
    if name == "type":
        return to_type_name(value)
    return LANGUAGES.get(value, value) if name == "language" else value


def _is_used(group: Group) -> bool:
    return any(one.is_chosen for one in group.choices)
