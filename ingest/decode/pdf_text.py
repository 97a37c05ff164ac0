"""PDF to text, page by page."""

from __future__ import annotations

import re
import threading
from itertools import accumulate
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text, to_title
from ingest.decode.dates import to_iso_pdf_date
from ingest.decode.document import DecodedText
from ingest.decode.pdf_figures import PdfFigures
from ingest.decode.pdf_structure import find_headings, find_language
from schemas.errors import DecodeError, SourceTooLarge

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument

    from ingest.decode.figures import Figures
    from ingest.decode.limits import Limits

_PAGE_BREAK = "\n\n"
_PDFIUM = threading.Lock()
"""PDFium is not thread-safe, not even across documents."""

_HYPHENATION = re.compile("(?:\ufffe|\x02)\\s*")
"""Where PDFium found a word hyphenated at a line's end."""

_PASSWORD_ERROR = 4
"""FPDF_ERR_PASSWORD in fpdfview.h."""

_TITLE_NOISE = re.compile(
    r"^Microsoft (Word|PowerPoint|Excel) - |\.(docx?|pptx?|xlsx?|odt|rtf|indd|tex)$"
)


def read_pdf(content: bytes, source_uri: str, limits: Limits, figures: Figures) -> DecodedText:
    """A PDF's text, page by page, with its bookmarks as headings.

    One document at a time is read in a process; the others wait.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large.
        figures: Collects the images, if they are wanted.

    Raises:
        DecodeError: It is damaged, needs a password, or has neither text nor a wanted figure.
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
            images = PdfFigures(content, limits, figures) if figures.wanted else None
            pages = _read_pages(document, source_uri, limits, images)
            if not any(pages) and not figures.has_any:
                raise _textless(source_uri)
            return _to_document(document, pages)
        finally:
            document.close()


def render_page(content: bytes, source_uri: str, page: int, side_pixels: int) -> Image:
    """A page of a PDF as a picture whose longer side has so many pixels.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        page: From 1.
        side_pixels: Of the longer side.

    Raises:
        DecodeError: It is damaged, needs a password, or has no such page.
    """
    import pypdfium2

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            raise _unopened(content, source_uri, error) from error
        try:
            if not 0 < page <= len(document):
                raise DecodeError(source_uri, f"it has no page {page}; index it again")
            drawn = document[page - 1]
            # A page of no size, or a thousandth as wide as long, must not ask for more memory.
            scale = side_pixels / max(1.0, *drawn.get_size())
            image: Image = drawn.render(scale=scale).to_pil()
            return image.convert("RGB")
        finally:
            document.close()


def _to_document(document: PdfDocument, pages: list[str]) -> DecodedText:
    """Pages one after another; a line end at each seam keeps the whole in NFC."""
    ends = accumulate(len(page) + len(_PAGE_BREAK) for page in pages)
    page_starts = (0, *ends)[: len(pages)]
    title = _TITLE_NOISE.sub("", document.get_metadata_value("Title"))
    return DecodedText(
        _PAGE_BREAK.join(pages),
        to_title(title),
        page_starts,
        find_headings(document, pages, page_starts),
        find_language(document),
        to_iso_pdf_date(document.get_metadata_value("CreationDate")),
    )


def _textless(source_uri: str) -> DecodeError:
    return DecodeError(
        source_uri,
        "the PDF has no text, perhaps it is a scan; OCR is no part of this: "
        "add a text layer with an OCR program",
    )


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


def _read_pages(
    document: PdfDocument, source_uri: str, limits: Limits, images: PdfFigures | None
) -> list[str]:
    """The text of each page, an empty one for a page without text; collects its images."""
    pages: list[str] = []
    total = 0
    for index in range(len(document)):
        page = document[index]
        text_page = page.get_textpage()
        try:
            text = _HYPHENATION.sub("", text_page.get_text_bounded())
            pages.append(to_normal_text(text).strip())
            if images is not None:
                images.add_page(page, text_page, pages)
        finally:
            text_page.close()
            page.close()
        total += len(text)
        if total > limits.max_text_chars:
            raise SourceTooLarge(
                source_uri, f"more than {limits.max_text_chars:,} characters of text; split it"
            )
    return pages
