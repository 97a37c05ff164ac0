"""Which fields a ``where`` may name, how their values compare, and what stands for a value."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from schemas.collection import USER_FIELD
from schemas.errors import QueryError, UnknownField
from schemas.payload_indexes import LABEL_FIELDS, LABELS, PAYLOAD_INDEXES, index_type
from schemas.records import Modality
from schemas.shown import to_shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FieldKind: TypeAlias = Literal["keyword", "integer", "datetime", "geo", "text", "words", "user"]
"""How a field's values compare. ``words`` is all fields of text at once, ``user`` a field of the
user's own, of any JSON type."""

ANY_WORDS: Final = "words"
"""The name that stands for every field of text at once."""

_INDEX_KINDS = cast(
    "Mapping[str, FieldKind]",  # no other types are used
    {name: index_type(index).value for name, index in PAYLOAD_INDEXES.items() if name != LABELS},
)
_KINDS: Final[Mapping[str, FieldKind]] = {
    **dict.fromkeys(LABEL_FIELDS, "text"),
    **_INDEX_KINDS,
    ANY_WORDS: "words",
}

_PREFIXED: Final = tuple(
    name for name, index in PAYLOAD_INDEXES.items() if getattr(index, "prefix", None)
)
_OPERATORS: Final[Mapping[FieldKind, str]] = {
    "keyword": "=, !=, in, not in, exists, missing",
    "integer": "=, !=, in, not in, <, <=, >, >=, exists, missing",
    "datetime": "=, !=, in, not in, <, <=, >, >=, exists, missing",
    "geo": "near, within, exists, missing",
    "text": "~ (words), exists, missing",
    "words": "~ (words)",
    "user": "every operator",
}
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+(\[[0-9]{0,9}\])*")
_STEP = re.compile(r'\.("[^"]+"|[^."]+)')
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class PayloadField:
    """A field that may be asked for.

    Attributes:
        name: As one writes it.
        kind: How its values compare.
        key: The store's path of it.
    """

    name: str
    kind: FieldKind
    key: str

    @property
    def has_words(self) -> bool:
        """Whether words in it can be looked for."""
        return self.kind in ("text", "words", "user") or self.is_label

    @property
    def is_label(self) -> bool:
        """Whether its words are among those of :data:`schemas.payload_indexes.LABELS`."""
        return self.name in LABEL_FIELDS

    @property
    def takes_prefix(self) -> bool:
        """Whether what its values begin with can be asked for."""
        return self.kind == "user" or self.name in _PREFIXED

    def require(self, *kinds: FieldKind, asked: str) -> None:
        """Refuse what the field's kind has no meaning for.

        Raises:
            QueryError: The field is of none of these kinds; says what can be asked.
        """
        if self.kind not in kinds:
            raise self.refusal(asked)

    def refusal(self, asked: str) -> QueryError:
        """The error that says what the field can be asked instead."""
        takes = _OPERATORS[self.kind]
        if self.takes_prefix and self.kind != "user":
            takes += ", prefix"
        if self.has_words and "~" not in takes:
            takes += ", ~ (words)"
        return QueryError(f"where: {self.name} {asked}; it takes {takes}")


def find_field(name: str) -> PayloadField:
    """The field of that name.

    Raises:
        UnknownField: It is neither indexed nor ``metadata.NAME``; the known ones are named.
    """
    if name.startswith(f"{USER_FIELD}."):
        return _to_user_field(name)
    kind = _KINDS.get(name)
    if kind is None:
        raise UnknownField(
            f"where: there is no field {to_shown(name)}{_like(name)}; known fields: "
            f"{', '.join(known_fields())}, and {USER_FIELD}.NAME for your own"
        )
    return PayloadField(name, kind, name)


def known_fields(kinds: Iterable[FieldKind] | None = None) -> list[str]:
    """The names of all fields, or of those of some kinds, sorted; the user's own aside."""
    wanted = None if kinds is None else set(kinds)
    return sorted(name for name, kind in _KINDS.items() if wanted is None or kind in wanted)


def to_keyword(name: str, value: object) -> str:
    """A word of this field.

    Raises:
        QueryError: It is no text, or a modality that there is not.
    """
    if not isinstance(value, str):
        raise QueryError(f"where: {name} holds words; {to_shown(value)} is not text")
    if name == "modality" and value not in set(Modality):
        raise QueryError(f"where: modality is one of {', '.join(Modality)}, not {to_shown(value)}")
    return check_unicode(name, value)


def to_integer(name: str, value: object) -> int:
    """A whole number of 64 bits.

    Raises:
        QueryError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT64:
        raise QueryError(f"where: {name} holds whole numbers; {to_shown(value)} is not one")
    return value


def to_number(name: str, value: object) -> int | float:
    """A finite number.

    Raises:
        QueryError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QueryError(f"where: {name} is compared with a number; {to_shown(value)} is not one")
    if not _is_finite(value):
        raise QueryError(f"where: {name}: {to_shown(value)} is not finite")
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold, as a range's must
        return False


def _like(name: str) -> str:
    close = get_close_matches(name, _KINDS, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _to_user_field(name: str) -> PayloadField:
    """A step in quotes is one name, dots and brackets included."""
    path = check_unicode("a field", name).removeprefix(USER_FIELD)
    steps = _STEP.findall(path)
    if "".join(f".{step}" for step in steps) != path:
        raise UnknownField(
            f"where: {to_shown(name)} is not a field path: {USER_FIELD}.NAME, a name with dots in "
            'double quotes, and without " otherwise'
        )
    bare = [step if {".", "["} & set(step) else step.strip('"') for step in steps]
    keys = [step if step[0] == '"' or _PLAIN_KEY.fullmatch(step) else f'"{step}"' for step in bare]
    return PayloadField(".".join([USER_FIELD, *bare]), "user", ".".join([USER_FIELD, *keys]))


def check_unicode(name: str, text: str) -> str:
    """The text, if a store can take it.

    Raises:
        QueryError: It has bytes in it that were no UTF-8, or half of a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError(
            f"where: {name}: {to_shown(text)} is not valid Unicode; give it as UTF-8"
        ) from None
    return text
