"""Bytes to a document's text, by the decode policy."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text
from ingest.decode.charset import decode_charset
from ingest.decode.document import DecodedText, Figure, Heading, headings_at
from ingest.decode.docx_text import read_docx
from ingest.decode.epub_text import read_epub
from ingest.decode.figures import Figures
from ingest.decode.html_text import read_html, to_declared_charset
from ingest.decode.language import detect_language
from ingest.decode.markdown_text import read_markdown
from ingest.decode.packages import DOCX, EPUB, PPTX, is_package, sniff_package
from ingest.decode.pdf_text import read_pdf
from ingest.decode.pptx_text import read_pptx
from ingest.decode.seam import translated_errors
from schemas.errors import DecodeError, SourceTooLarge, UnsupportedFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingest.decode.limits import Limits

    Reader = Callable[[bytes, str, Limits, Figures], DecodedText]

__all__ = [
    "DecodedText",
    "Figure",
    "Heading",
    "decode_text",
    "headings_at",
    "may_link_images",
]

_LOG = logging.getLogger(__name__)

_RESTORE = "restore it from a good copy or remove it"
_PDF = "application/pdf"
_HTML = "text/html"
_MARKDOWN = "text/markdown"
_READERS: Mapping[str, Reader] = {
    _PDF: read_pdf,
    DOCX: read_docx,
    PPTX: read_pptx,
    EPUB: read_epub,
}
"""Media type -> reader of its bytes; the other readable ones are characters."""

_READABLE = frozenset({*_READERS, _HTML, _MARKDOWN, "application/xhtml+xml", "text/plain"})
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE
)


def decode_text(
    content: bytes, source_uri: str, media_type: str, *, limits: Limits, figures: bool = False
) -> DecodedText:
    """Decode a document. Safe to call from several threads.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        media_type: By its name. PDF, HTML, DOCX, PPTX and EPUB are recognised whatever the name.
        limits: What is too large.
        figures: Whether to collect the document's figures too. Those it only links, by a path or
            a URL, come without content: nothing but the bytes given is read.

    Returns:
        The document. Its text is blank only where it has figures, as a scan has.

    Raises:
        UnsupportedFormat: There is no reader for the media type, or it is not installed.
        SourceTooLarge: It has more text or pages, or unpacks to more, than allowed.
        DecodeError: It is empty, damaged, encrypted or binary, or has neither text nor figures.
    """
    if media_type not in _READABLE:
        raise UnsupportedFormat(source_uri, f"documents of type {media_type} are not read")
    if not content.strip(b"\0 \t\r\n"):
        raise DecodeError(source_uri, f"the file is empty; {_RESTORE}")
    collected = Figures(source_uri, limits, wanted=figures)
    with translated_errors(source_uri, "the document cannot be read", _RESTORE):
        document = _read(content, source_uri, _sniff(content, media_type), limits, collected)
        language = document.language or detect_language(document.text)
        document = replace(document, figures=collected.finish(), language=language)
    if not document.text.strip() and not document.figures:
        raise DecodeError(source_uri, "there is no text in it; fill or remove it")
    _check_length(len(document.text), source_uri, limits)
    return document


def may_link_images(content: bytes, media_type: str) -> bool:
    """Whether a document may name images that lie beside it; True where that is not certain."""
    if _sniff(content, media_type) in _READERS:
        return False
    # A zero byte is half a character of UTF-16, where the marks would look different.
    return b"![" in content or b"\0" in content or b"<img" in content.lower()


def _sniff(content: bytes, media_type: str) -> str:
    """The media type by the first bytes where they tell, else by the name."""
    if content.startswith(b"%PDF-"):
        return _PDF
    if is_package(content):
        return sniff_package(content) or media_type
    if _HTML_START.match(content) or media_type == "application/xhtml+xml":
        return _HTML
    return media_type


def _read(
    content: bytes, source_uri: str, media_type: str, limits: Limits, figures: Figures
) -> DecodedText:
    if (reader := _READERS.get(media_type)) is not None:
        return reader(content, source_uri, limits, figures)
    declared = to_declared_charset(content) if media_type == _HTML else None
    source = to_normal_text(decode_charset(content, source_uri, declared))
    if media_type == _HTML:
        return read_html(source, figures)
    if media_type == _MARKDOWN:
        return read_markdown(source, figures)
    return DecodedText(source)


def _check_length(text_chars: int, source_uri: str, limits: Limits) -> None:
    if text_chars > limits.max_text_chars:
        raise SourceTooLarge(
            source_uri,
            f"{text_chars:,} characters, over the limit of {limits.max_text_chars:,}; split it",
        )
    if text_chars > limits.long_text_chars:
        _LOG.warning("%s: a long document (%s characters)", source_uri, f"{text_chars:,}")
