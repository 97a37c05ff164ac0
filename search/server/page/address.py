"""What the page shows, as its address says it: the query string and back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from schemas.conditions import Expression
from schemas.query import Composition, Query, Target, Term
from schemas.where import field
from search.server.models import MAX_TEXT_CHARACTERS

FIELDS: Final[dict[str, str]] = {
    "type": "media_type",
    "year": "taken_at",
    "keyword": "keywords",
    "tag": "tags",
    "language": "language",
    "root": "root",
}
"""Name in the address -> payload field, of everything that can be chosen from a list."""

PAGE_HITS: Final = 24
"""Fills two, three, four and six columns."""

MOST_SHOWN: Final = 192
"""That an address may ask for at once; whoever wants more narrows the search."""

MOST_NAMED: Final = 16
"""Items that an address may put together, and values that it may choose."""

AWAY: Final = -0.4
"""The weight of what is not wanted: less than what is, or the answer is merely elsewhere."""

GOOD_PERCENTILE: Final = 99.0
"""Nearer than 99 of 100 unrelated pairs."""

ORDERS: Final[dict[str, str]] = {
    "-taken_at": "Taken, newest first",
    "taken_at": "Taken, oldest first",
    "-created_at": "Created, newest first",
    "created_at": "Created, oldest first",
    "-modified_at": "Changed, newest first",
    "modified_at": "Changed, oldest first",
}
"""Value in the address and of the option ``sort`` -> what people call it."""

MAX_NAME_CHARACTERS: Final = 1_024
"""Of a value that is chosen or an item that is named."""


@dataclass(frozen=True, slots=True)
class Address:
    """A state of the page; equal states have the same address.

    Attributes:
        text: Words that are looked for.
        target: Which panels are shown.
        liked: Point ids of what is wanted too.
        disliked: Point ids of what is not.
        upload: Id of an uploaded image.
        chosen: (name of :data:`FIELDS`, value); of one name any, of several names all.
        is_strict: Whether only good matches are shown.
        order: One of :data:`ORDERS`; None for the best first.
        shown: How many hits at most.
    """

    text: str = ""
    target: Target = Target.ANY
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    upload: str | None = None
    chosen: tuple[tuple[str, str], ...] = ()
    is_strict: bool = False
    order: str | None = None
    shown: int = PAGE_HITS

    @property
    def has_query(self) -> bool:
        """Whether anything is looked for."""
        return bool(self.text or self.liked or self.disliked or self.upload)

    def to_pairs(self) -> list[tuple[str, str]]:
        """Names and values of the query string, defaults left out."""
        pairs = [("q", self.text)] if self.text else []
        pairs += [] if self.target is Target.ANY else [("target", str(self.target))]
        pairs += [("upload", self.upload)] if self.upload else []
        pairs += [("like", one) for one in self.liked]
        pairs += [("not", one) for one in self.disliked]
        pairs += self.chosen
        pairs += [("good", "1")] if self.is_strict else []
        pairs += [("sort", self.order)] if self.order else []
        pairs += [] if self.shown == PAGE_HITS else [("shown", str(self.shown))]
        return pairs

    def to_url(self, **changes: Any) -> str:  # noqa: ANN401 - fields of this class
        """The address with some of its fields changed; back at the first hits unless told."""
        pairs = replace(self, **{"shown": PAGE_HITS, **changes}).to_pairs()
        return f"/?{urlencode(pairs)}" if pairs else "/"

    def to_words(self) -> str:
        """The query string that takes only the words along; empty without any."""
        return f"?{urlencode({'q': self.text})}" if self.text else ""

    def liking(self, point_id: str) -> str:
        """The address that wants this item too."""
        return self.to_url(
            liked=_with(self.liked, point_id), disliked=_without(self.disliked, point_id)
        )

    def disliking(self, point_id: str) -> str:
        """The address that wants none like this item."""
        return self.to_url(
            liked=_without(self.liked, point_id), disliked=_with(self.disliked, point_id)
        )

    def forgetting(self, point_id: str) -> str:
        """The address that does not speak of this item."""
        return self.to_url(
            liked=_without(self.liked, point_id), disliked=_without(self.disliked, point_id)
        )

    def toggling(self, name: str, value: str) -> str:
        """The address with a value chosen, or no longer."""
        choice = (name, value)
        is_chosen = choice in self.chosen
        return self.to_url(
            chosen=_without(self.chosen, choice) if is_chosen else (*self.chosen, choice)
        )

    def to_composition(self, image: bytes | None = None) -> Composition:
        """The query.

        Args:
            image: What was uploaded, encoded.

        Raises:
            EmptyQuery: Nothing is looked for.
        """
        words = [Term(Query(text=self.text))] if self.text else []
        pictures = [Term(Query(image=image))] if image is not None else []
        wanted = [Term(Query(item=one)) for one in self.liked]
        unwanted = [Term(Query(item=one), AWAY) for one in self.disliked]
        return Composition((*words, *pictures, *wanted, *unwanted))

    def to_where(self, *, besides: str | None = None) -> list[Expression]:
        """Conditions of what is chosen.

        Args:
            besides: A name of :data:`FIELDS` whose choices do not count.
        """
        by_name: dict[str, list[str]] = {}
        for name, value in self.chosen:
            if name != besides:
                by_name.setdefault(name, []).append(value)
        return [field(FIELDS[name]).one_of(*values) for name, values in by_name.items()]


def read_address(pairs: Iterable[tuple[str, str]]) -> Address:
    """The state that a query string asks for; what it has no meaning for is passed over.

    Args:
        pairs: Names and values, decoded, in order.
    """
    given = [(name, value.strip()[:MAX_TEXT_CHARACTERS]) for name, value in pairs if value.strip()]
    last = dict(given)
    return Address(
        text=last.get("q", ""),
        target=_to_target(last.get("target")),
        liked=_to_named(given, "like"),
        disliked=_to_named(given, "not"),
        upload=_to_name(last.get("upload", "")) or None,
        chosen=_to_chosen(given),
        is_strict=last.get("good") == "1",
        order=order if (order := last.get("sort")) in ORDERS else None,
        shown=_to_shown(last.get("shown", "")),
    )


def _to_target(value: str | None) -> Target:
    return Target(value) if value in set(Target) else Target.ANY


def _to_named(given: list[tuple[str, str]], wanted: str) -> tuple[str, ...]:
    found = (_to_name(value) for name, value in given if name == wanted)
    return tuple(dict.fromkeys(filter(None, found)))[:MOST_NAMED]


def _to_name(value: str) -> str:
    return value if len(value) <= MAX_NAME_CHARACTERS else ""


def _to_chosen(given: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found = ((name, _to_name(value)) for name, value in given if name in FIELDS)
    return tuple(dict.fromkeys(one for one in found if one[1]))[:MOST_NAMED]


def _to_shown(value: str) -> int:
    # isdecimal() alone is true of digits that int() reads but nobody writes here.
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 5 else PAGE_HITS  # noqa: PLR2004 - MOST_SHOWN has three digits
    return min(max(number, PAGE_HITS), MOST_SHOWN)


def _with(names: tuple[Any, ...], name: object) -> tuple[Any, ...]:
    return names if name in names else (*names, name)


def _without(names: tuple[Any, ...], name: object) -> tuple[Any, ...]:
    return tuple(one for one in names if one != name)
