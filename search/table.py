"""An answer as lines for people. Pure."""

from __future__ import annotations

import textwrap
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.records import Modality, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas.query import Highlight, Hit, Page

COLUMN_GAP = "  "
SNIPPET_INDENT = " " * 6
LEAST_WIDTH = 40
SHOWN_DUPLICATES = 3
"""Of a hit; all that it names are in the JSON."""


def to_table(page: Page, *, width: int = 100) -> str:
    """Rank, score, that of a second model, percentile, what, where, title, and size or page.

    Below its row stand a hit's snippet, further passages, each with its best sentence where that
    was asked for, the items that it stands for as well, and how its score came about.

    Args:
        page: The answer.
        width: Columns of the terminal; snippets are wrapped to it, names are never cut.
    """
    if not page.hits:
        return f"No hits in {page.collection}: nothing there has what was asked for."
    rows = [_to_cells(hit) for hit in page.hits]
    # One very long name widens its own row, not everybody's.
    most = max(width, LEAST_WIDTH) // 2
    widths = [min(most, max(map(len, column))) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for hit, row in zip(page.hits, rows, strict=True):
        lines.append(_join(row, widths))
        lines += _to_snippet_lines(hit, max(width, LEAST_WIDTH))
        lines += _iter_highlight_lines(hit.highlight, width)
        for one in hit.passages[1:]:
            lines.append(_to_line(f"{one.score:.3f}  {one.snippet or ''}", width))
            lines += _iter_highlight_lines(one.highlight, width)
        lines += _iter_duplicate_lines(hit, width)
        lines += _to_explanation_lines(hit.explanation, width)
    return "\n".join([*lines, "", _to_footer(page)])


def to_printable(text: str) -> str:
    """The text with every character that a terminal would obey, or cannot show, as "?"."""
    return "".join(char if char.isprintable() else "?" for char in text)


def to_place(location: str) -> str:
    """A path relative to the working directory, when it lies below it; a URL as it is."""
    if "://" in location:
        return location
    path = Path(location)
    working = Path.cwd()
    return str(path.relative_to(working) if path.is_relative_to(working) else path)


def to_extent(hit: Hit) -> str:
    """An image's page or frame and its size in pixels, a text's page or part, or "caption"."""
    if hit.modality is Modality.IMAGE:
        return ", ".join(_iter_image_facts(hit))
    if hit.part is Part.CAPTION:
        return "caption"
    if hit.page is not None:
        return f"page {hit.page}"
    return f"part {hit.chunk_ordinal + 1} of {hit.chunk_count}" if hit.chunk_count > 1 else ""


def _iter_image_facts(hit: Hit) -> Iterator[str]:
    if hit.page is not None:
        yield f"page {hit.page}"
    if hit.frame is not None:
        yield f"frame {hit.frame}"
    if hit.width_pixels and hit.height_pixels:
        yield f"{hit.width_pixels} x {hit.height_pixels}"


def _to_cells(hit: Hit) -> tuple[str, ...]:
    return (
        f"{hit.rank:>3}",
        f"{hit.score:>6.3f}",
        "" if hit.rerank_score is None else f"{hit.rerank_score:.3f}",
        "" if hit.percentile is None else f"{floor(10 * hit.percentile) / 10:.1f}%",  # never 100
        str(hit.modality),
        to_printable(to_place(hit.location)),
        to_printable(hit.title or ""),
        to_extent(hit),
    )


def _join(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True) if width)
    return COLUMN_GAP.join(padded).rstrip()


def _to_snippet_lines(hit: Hit, width: int) -> list[str]:
    words = hit.snippet
    if hit.part is Part.FIGURE and not words and hit.headings:
        words = f"under {' / '.join(hit.headings)}"
    return textwrap.wrap(
        to_printable(words or ""),
        width,
        initial_indent=SNIPPET_INDENT,
        subsequent_indent=SNIPPET_INDENT,
    )


def _iter_highlight_lines(highlight: Highlight | None, width: int) -> Iterator[str]:
    if highlight is not None:
        yield _to_line(f"> {highlight.score:.3f}  {highlight.text}", width)


def _iter_duplicate_lines(hit: Hit, width: int) -> Iterator[str]:
    if not hit.duplicate_count:
        return
    yield _to_line(f"and {hit.duplicate_count:,} like it:", width)
    yield from (_to_line(f"= {uri}", width) for uri in hit.duplicates[:SHOWN_DUPLICATES])
    if (more := hit.duplicate_count - SHOWN_DUPLICATES) > 0:
        yield _to_line(f"= {more:,} more", width)


def _to_explanation_lines(explanation: Mapping[str, Any] | None, width: int) -> Iterator[str]:
    if explanation is None:
        return
    facts = {key: value for key, value in explanation.items() if key != "parts"}
    yield _to_line(_to_facts(facts), width)
    for part in explanation["parts"]:
        yield _to_line("  " + _to_facts(part), width)


def _to_line(text: str, width: int) -> str:
    shown = SNIPPET_INDENT + to_printable(text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def _to_facts(facts: Mapping[str, Any]) -> str:
    shown = (f"{value:.4f}" if isinstance(value, float) else str(value) for value in facts.values())
    return ", ".join(f"{key} {value}" for key, value in zip(facts, shown, strict=True))


def _to_footer(page: Page) -> str:
    count = len(page.hits)
    more = "; there is more: --top-k, or --json and --cursor" if page.next_cursor else ""
    return (
        f"{count} {'hit' if count == 1 else 'hits'} in {page.collection} "
        f"({page.model_id}, {page.took_seconds * 1000:.0f} ms){more}"
    )
