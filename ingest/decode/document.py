"""What a document is once it is read: its text, its headings, its figures."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document.

    Attributes:
        start_char: Where it stands in the document's text, or where what it heads begins.
        level: From 1, the highest.
        text: On one line, as the document has it.
    """

    start_char: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture in a document.

    Attributes:
        content: A complete image file; empty for one that the document only links.
        media_type: By its bytes; for a linked one by its name, ``image/*`` where that tells
            nothing.
        page: Page or slide it is on, from 1, for paged documents.
        caption: What stands under or over it, on one line.
        alt_text: What the document says for those who cannot see it, on one line.
        start_char: Where it stands in the document's text, as nearly as can be told.
        location: Of a linked one: path or URL, as the document has it (percent-encoded, relative
            to the document). None when the content is there.
    """

    content: bytes
    media_type: str
    page: int | None = None
    caption: str | None = None
    alt_text: str | None = None
    start_char: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class DecodedText:
    r"""A document's text.

    Attributes:
        text: NFC, lines ended by ``\n``, without control characters; blank only where there are
            figures instead.
        title: As the document says it, on one line, if it does.
        page_starts: Offset in ``text`` at which each page begins, ascending from 0; empty when
            the document has no pages.
        headings: Ascending by where they stand.
        language: BCP 47, such as ``en`` or ``pt-BR``; as the document declares it, else as its
            words tell; None when neither is sure.
        created_at: When it was written or published, ISO 8601, a date or a date with a time, as
            precise as the document says it.
        figures: In the document's order; collected only when asked for.
    """

    text: str
    title: str | None = None
    page_starts: tuple[int, ...] = ()
    headings: tuple[Heading, ...] = ()
    language: str | None = None
    created_at: str | None = None
    figures: tuple[Figure, ...] = ()


def headings_at(document: DecodedText, position: int) -> tuple[str, ...]:
    """The headings that a position of the text stands under, the highest level first.

    Args:
        document: What was decoded.
        position: Offset in its text; a heading's own characters stand under it.
    """
    passed = bisect_right(document.headings, position, key=lambda heading: heading.start_char)
    path: list[str] = []
    level: float = float("inf")
    for heading in reversed(document.headings[:passed]):
        if heading.level < level:
            path.append(heading.text)
            level = heading.level
        if level <= 1:
            break
    return tuple(reversed(path))
