"""PDF to text, page by page."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from ingest.decode.characters import to_title
from schemas.errors import DecodeError, SourceTooLarge

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

    from ingest.decode.limits import Limits

_PDFIUM = threading.Lock()
"""PDFium is not thread-safe, not even across documents."""

_HYPHENATION = re.compile("(?:\ufffe|\x02)\\s*")
"""Where PDFium found a word hyphenated at a line's end."""

_PASSWORD_ERROR = 4
"""FPDF_ERR_PASSWORD in fpdfview.h."""

_TITLE_NOISE = re.compile(
    r"^Microsoft (Word|PowerPoint|Excel) - |\.(docx?|pptx?|xlsx?|odt|rtf|indd|tex)$"
)


def read_pdf(content: bytes, source_uri: str, limits: Limits) -> tuple[str | None, list[str]]:
    """Title and the text of each page, an empty one for a page without text.

    One document at a time is read in a process; the others wait.

    Raises:
        DecodeError: It is damaged, needs a password, or has no text.
        SourceTooLarge: It has more pages or text than allowed.
    """
    import pypdfium2

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            raise _unopened(content, source_uri, error) from error
        try:
            _check_pages(len(document), source_uri, limits)
            title = _TITLE_NOISE.sub("", document.get_metadata_value("Title"))
            pages = _read_pages(document, source_uri, limits)
        finally:
            document.close()
    if not any(page.strip() for page in pages):
        raise DecodeError(
            source_uri,
            "the PDF has no text, perhaps it is a scan; OCR is no part of this: "
            "add a text layer with an OCR program",
        )
    return to_title(title), pages


def _unopened(content: bytes, source_uri: str, error: Exception) -> DecodeError:
    """What kept PDFium from opening it. Without a page it reports the error of another document."""
    if getattr(error, "err_code", None) == _PASSWORD_ERROR and b"/Encrypt" in content:
        return DecodeError(source_uri, "the PDF needs a password; save it without one")
    return DecodeError(
        source_uri, f"the PDF is damaged or has no page ({error}); restore it from a good copy"
    )


def _check_pages(page_count: int, source_uri: str, limits: Limits) -> None:
    if page_count > limits.max_pages:
        raise SourceTooLarge(
            source_uri, f"{page_count:,} pages, over the limit of {limits.max_pages:,}; split it"
        )


def _read_pages(document: PdfDocument, source_uri: str, limits: Limits) -> list[str]:
    pages: list[str] = []
    total = 0
    for index in range(len(document)):
        page = document[index]
        text_page = page.get_textpage()
        try:
            pages.append(_HYPHENATION.sub("", text_page.get_text_bounded()))
        finally:
            text_page.close()
            page.close()
        total += len(pages[-1])
        if total > limits.max_text_chars:
            raise SourceTooLarge(
                source_uri, f"more than {limits.max_text_chars:,} characters of text; split it"
            )
    return pages
