"""What a PDF says of itself: bookmarks, language, and words for its images."""

from __future__ import annotations

import ctypes
from itertools import islice
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text
from ingest.decode.document import Heading
from ingest.decode.language import to_language_tag
from ingest.decode.passages import LineIndex, to_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypdfium2 import PdfDocument, PdfPage

_MAX_BOOKMARKS = 10_000
_MAX_STRUCTURE_ELEMENTS = 20_000
_MAX_STRUCTURE_DEPTH = 40
_MAX_ALT_BYTES = 4_000


def find_headings(
    document: PdfDocument, pages: Sequence[str], page_starts: Sequence[int]
) -> tuple[Heading, ...]:
    """The bookmarks as headings: where the page has a line of these words, else at its beginning.

    Args:
        document: Open.
        pages: Its text, page by page.
        page_starts: Where each page begins in the whole text.
    """
    found: list[Heading] = []
    lines: dict[int, LineIndex] = {}
    for bookmark in islice(document.get_toc(), _MAX_BOOKMARKS):
        words = to_line(to_normal_text(bookmark.get_title()))
        destination = bookmark.get_dest()
        page = None if destination is None else destination.get_index()
        if words and page is not None and page < len(pages):
            if page not in lines:
                lines[page] = LineIndex(pages[page])
            start = page_starts[page] + (lines[page].find(words) or 0)
            found.append(Heading(start, bookmark.level + 1, words))
    return tuple(sorted(found, key=lambda heading: heading.start_char))


def find_language(document: PdfDocument) -> str | None:
    """``/Lang`` of the whole document."""
    from pypdfium2 import raw

    length = raw.FPDFCatalog_GetLanguage(document, None, 0)
    if not 0 < length <= _MAX_ALT_BYTES:
        return None
    buffer = (raw.FPDF_WCHAR * length)()
    raw.FPDFCatalog_GetLanguage(document, buffer, length)
    return to_language_tag(bytes(buffer).decode("utf-16-le", "replace").partition("\0")[0])


def find_alt_texts(page: PdfPage) -> dict[int, str]:
    """Marked-content id -> what a tagged PDF says for those who cannot see what is marked so."""
    from pypdfium2 import raw

    tree = raw.FPDF_StructTree_GetForPage(page)
    if not tree:
        return {}
    try:
        elements = islice(_iter_elements(tree), _MAX_STRUCTURE_ELEMENTS)
        return {
            content_id: text
            for element, text in elements
            if text
            for content_id in _iter_content_ids(element)
        }
    finally:
        raw.FPDF_StructTree_Close(tree)


def _iter_elements(tree: object) -> Iterator[tuple[object, str | None]]:
    """Every element of a page's structure with the alternate text of it or of what holds it."""
    from pypdfium2 import raw

    count = raw.FPDF_StructTree_CountChildren(tree)
    roots = [raw.FPDF_StructTree_GetChildAtIndex(tree, index) for index in range(count)]
    stack: list[tuple[object, str | None, int]] = [(element, None, 0) for element in roots]
    while stack:
        element, inherited, depth = stack.pop()
        if not element:
            continue
        text = _read_string(raw.FPDF_StructElement_GetAltText, element) or inherited
        yield element, text
        if depth < _MAX_STRUCTURE_DEPTH:
            count = raw.FPDF_StructElement_CountChildren(element)
            for index in range(min(count, _MAX_STRUCTURE_ELEMENTS)):
                child = raw.FPDF_StructElement_GetChildAtIndex(element, index)
                stack.append((child, text, depth + 1))


def _iter_content_ids(element: object) -> Iterator[int]:
    from pypdfium2 import raw

    count = raw.FPDF_StructElement_GetMarkedContentIdCount(element)
    for index in range(min(count, _MAX_STRUCTURE_ELEMENTS)):
        content_id = raw.FPDF_StructElement_GetMarkedContentIdAtIndex(element, index)
        if content_id >= 0:
            yield content_id


def _read_string(function: Callable[..., int], element: object) -> str | None:
    """UTF-16 of a function of PDFium that is first asked how long it is."""
    length = function(element, None, 0)
    if not 2 < length <= _MAX_ALT_BYTES:  # noqa: PLR2004 - two bytes are the end alone
        return None
    buffer = ctypes.create_string_buffer(length)
    function(element, buffer, length)
    return buffer.raw.decode("utf-16-le", "replace").partition("\0")[0].strip() or None
