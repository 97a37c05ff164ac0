"""The front matter of a Markdown document: what stands above it between two fences."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.decode.characters import to_title
from ingest.decode.dates import to_iso_date
from ingest.decode.language import to_language_tag

_FRONT_MATTER = re.compile(
    r"\A(---|\+\+\+)[ \t]*\n(?P<body>.*?)^(\1|\.\.\.)[ \t]*(\n|\Z)", re.DOTALL | re.MULTILINE
)
_FIELD = re.compile(r"^(?P<name>title|date|lang|language)[ \t]*[:=](?P<value>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What is read of it.

    Attributes:
        title: On one line.
        language: BCP 47, from ``lang`` or ``language``.
        created_at: ISO 8601, from ``date``.
    """

    title: str | None = None
    language: str | None = None
    created_at: str | None = None


def split_front_matter(source: str) -> tuple[FrontMatter, str]:
    """The front matter (YAML between ``---``, TOML between ``+++``) and what stands below it.

    Only values on one line are read; nothing of YAML or TOML is interpreted.
    """
    match = _FRONT_MATTER.match(source)
    if match is None:
        return FrontMatter(), source
    fields: dict[str, str] = {}
    for found in _FIELD.finditer(match["body"]):
        fields.setdefault(found["name"], _unquote(found["value"].strip()))
    front = FrontMatter(
        to_title(fields.get("title")),
        to_language_tag(fields.get("lang") or fields.get("language")),
        to_iso_date(fields.get("date")),
    )
    return front, source[match.end() :]


def _unquote(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text
