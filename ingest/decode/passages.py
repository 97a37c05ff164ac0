r"""A document's text, put together piece by piece with the places of its headings."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text
from ingest.decode.document import Heading
from schemas.errors import SourceTooLarge

if TYPE_CHECKING:
    from ingest.decode.limits import Limits


def to_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


class Passages:
    """Pieces of text in order, each in its normal spelling, with gaps of line ends between them."""

    def __init__(self, source_uri: str, limits: Limits) -> None:
        """Begin an empty text.

        Args:
            source_uri: What errors call it.
            limits: How long it may become.
        """
        self._source_uri = source_uri
        self._max_chars = limits.max_text_chars
        self._parts: list[str] = []
        self._headings: list[Heading] = []
        self.position = 0

    @property
    def text(self) -> str:
        """What is there by now."""
        return "".join(self._parts)

    @property
    def headings(self) -> tuple[Heading, ...]:
        """Ascending."""
        return tuple(self._headings)

    @property
    def next_start(self) -> int:
        """Where a piece would begin that is added behind a gap of two line ends."""
        return self.position + (len("\n\n") if self._parts else 0)

    def add(self, piece: str, gap: str = "\n\n") -> int:
        r"""Add a piece behind a gap; nothing when it is blank.

        Args:
            piece: White space around it goes.
            gap: ``\n`` or ``\n\n``; left out before the first piece.

        Returns:
            Where the piece begins; where the next one will when it is blank.

        Raises:
            SourceTooLarge: The text has become longer than allowed.
        """
        normal = to_normal_text(piece).strip()
        start = self.position + (len(gap) if self._parts else 0)
        if not normal:
            return start
        self._parts += [gap, normal] if self._parts else [normal]
        self.position = start + len(normal)
        if self.position > self._max_chars:
            raise SourceTooLarge(
                self._source_uri, f"more than {self._max_chars:,} characters of text; split it"
            )
        return start

    def add_heading(self, text: str, level: int) -> None:
        """Add a heading; nothing when it is blank."""
        if line := to_line(to_normal_text(text)):
            self._headings.append(Heading(self.add(text), level, line))

    def add_passages(self, text: str, headings: tuple[Heading, ...], levels_down: int = 0) -> int:
        """Add a whole text that is read already, with its headings; where it begins."""
        normal = to_normal_text(text)
        offset = self.add(normal) - (len(normal) - len(normal.lstrip()))
        for heading in headings:
            level = heading.level + levels_down
            self._headings.append(Heading(offset + heading.start_char, level, heading.text))
        return offset


class LineIndex:
    """Where the lines of a text are, to find what stood in a page again in its sifted text."""

    def __init__(self, text: str) -> None:
        """Index every line by its words, whatever white space is between them."""
        self._starts: dict[str, list[int]] = {}
        position = 0
        for line in text.split("\n"):
            if words := to_line(line):
                start = position + len(line) - len(line.lstrip())
                self._starts.setdefault(words, []).append(start)
            position += len(line) + 1

    def find(self, line: str, from_position: int = 0) -> int | None:
        """Where the first such line at or behind a position begins, if there is one."""
        starts = self._starts.get(to_line(line), ())
        at = bisect_left(starts, from_position)
        return starts[at] if at < len(starts) else None
