"""Parts of documents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading."""

    start_char: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure."""

    content: bytes
    media_type: str
    page: int | None = None
    caption: str | None = None
    alt_text: str | None = None
    start_char: int | None = None
    location: str | None = None
