"""Labels as a file spells them: names alone, or names with what says what they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import SettingsError
from schemas.lines import iter_lines, read_object, read_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

DEFAULT_TEMPLATES: Final = ("{}", "a photo of {}", "a picture of {}")
"""Sentences that a label is put into. Averaging over several is prompt ensembling (Radford et al.
2021, "Learning Transferable Visual Models From Natural Language Supervision", 3.1.4)."""

DESCRIPTION_KEYS: Final = ("description", "descriptions")
"""Where a label's descriptions may stand; the first that has any counts."""

_COMMENT: Final = "#"
_JSON_SUFFIXES: Final = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Label:
    """A class of things, in words.

    Attributes:
        name: What it is called.
        descriptions: What it looks like, a text each.
        attributes: How much of each named attribute it has, -1 to 1: 1 has it, 0 or -1 lacks it.
        seen: Whether training may see images of it; None leaves that open.
        index: Its place among a classifier's classes; None goes by the name.
        origin: Where it stands: a file and its line.
    """

    name: str
    descriptions: tuple[str, ...] = ()
    attributes: Mapping[str, float] = field(default_factory=dict)
    seen: bool | None = None
    index: int | None = None
    origin: str = ""


def read_labels(path: Path) -> tuple[Label, ...]:
    """The labels of a file, without blank lines and ``#`` comments.

    In a file that ends in ``.jsonl`` a line is an object: ``label`` is its name, and of
    ``description``, ``attributes``, ``seen`` and ``index`` any may be left out. In every other
    file a line is a name.

    Raises:
        SettingsError: The file cannot be read as UTF-8, has no label, or a line is none, with its
            number.
    """
    lines = [(origin, line) for origin, line in iter_lines(path) if not _is_comment(line)]
    if not lines:
        raise SettingsError(f"labels: {path} has none; write one a line")
    is_json = path.suffix.lower() in _JSON_SUFFIXES
    found: dict[str, Label] = {}
    for origin, line in lines:
        label = _to_label(read_object(line, origin), origin) if is_json else _to_name(line, origin)
        if is_json and label.name in found:
            raise SettingsError(
                f"{origin}: {label.name!r:.80} stands in {found[label.name].origin} already; "
                f"merge the two, several descriptions may stand in a list"
            )
        found.setdefault(label.name, label)
    return tuple(found.values())


def check_templates(templates: Sequence[str]) -> None:
    """Refuse sentences that a label cannot be put into.

    Raises:
        SettingsError: There is none, or one does not have exactly one ``{}``.
    """
    if not templates:
        raise SettingsError("template: there is none; give one such as 'a photo of {}'")
    for template in templates:
        if _fields(template) != [""]:
            raise SettingsError(
                f"template: {template!r} does not have exactly one {{}}, where the label goes: "
                "write it as 'a photo of {}'"
            )


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(_COMMENT)


def _to_name(line: str, origin: str) -> Label:
    return Label(line.strip(), origin=origin)


def _to_label(values: Mapping[str, Any], origin: str) -> Label:
    name = values.get("label")
    if not isinstance(name, str) or not name.strip():
        raise SettingsError(f"{origin}: label is the name of a class, not {name!r:.80}")
    described = (words for key in DESCRIPTION_KEYS if (words := read_words(values, key, origin)))
    return Label(
        name.strip(),
        next(described, ()),
        dict(_iter_attributes(values.get("attributes"), origin)),
        _read_seen(values.get("seen"), origin),
        _read_index(values.get("index"), origin),
        origin,
    )


def _iter_attributes(value: object, origin: str) -> Iterator[tuple[str, float]]:
    if value is None:
        return
    if not isinstance(value, dict):
        raise SettingsError(
            f'{origin}: attributes are an object such as {{"striped": 1}}, not {value!r:.80}'
        )
    for name, amount in value.items():
        if not name.strip():
            raise SettingsError(f"{origin}: an attribute has no name; give it one, in words")
        if not isinstance(amount, int | float) or not _is_amount(amount):
            raise SettingsError(
                f"{origin}: attribute {name!r:.80} is a number from -1 to 1, not {amount!r:.80}"
            )
        yield name.strip(), float(amount)


def _is_amount(amount: float) -> bool:
    return -1 <= amount <= 1 and math.isfinite(amount)


def _read_seen(value: object, origin: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise SettingsError(f"{origin}: seen is true or false, not {value!r:.80}")
    return value


def _read_index(value: object, origin: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SettingsError(f"{origin}: index is a whole number from 0, not {value!r:.80}")
    return value


def _fields(template: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError:
        return []
