"""Bytes to a document's text, by the decode policy."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text
from ingest.decode.charset import decode_charset
from ingest.decode.html_text import read_html, to_declared_charset
from ingest.decode.markdown_text import read_markdown
from ingest.decode.pdf_text import read_pdf
from ingest.decode.seam import translated_errors
from schemas.errors import DecodeError, SourceTooLarge, UnsupportedFormat

if TYPE_CHECKING:
    from ingest.decode.document import Figure, Heading
    from ingest.decode.limits import Limits

_LOG = logging.getLogger(__name__)

_PAGE_BREAK = "\n\n"
_RESTORE = "restore it from a good copy or remove it"
_PDF = "application/pdf"
_HTML = "text/html"
_MARKDOWN = "text/markdown"
_READABLE = frozenset({_PDF, _HTML, _MARKDOWN, "application/xhtml+xml", "text/plain"})
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class DecodedText:
    r"""A document's text.

    Attributes:
        text: NFC, lines ended by ``\n``, without control characters; never blank.
        title: As the document says it, on one line, if it does.
        page_starts: Offset in ``text`` at which each page begins, ascending from 0; empty when
            the document has no pages.
    """

    text: str
    title: str | None = None
    page_starts: tuple[int, ...] = ()
    headings: tuple[Heading, ...] = ()
    language: str | None = None
    created_at: str | None = None
    figures: tuple[Figure, ...] = ()


def headings_at(document: DecodedText, position: int) -> tuple[str, ...]:
    """None."""
    return ()


def decode_text(
    content: bytes, source_uri: str, media_type: str, *, limits: Limits, figures: bool = False
) -> DecodedText:
    """Decode a document. Safe to call from several threads.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        media_type: By its name. PDF and HTML are recognised whatever the name.
        limits: What is too large.

    Raises:
        UnsupportedFormat: There is no reader for the media type.
        SourceTooLarge: It has more text or pages than allowed.
        DecodeError: It is empty, damaged, encrypted, binary or without text.
    """
    if media_type not in _READABLE:
        raise UnsupportedFormat(source_uri, f"documents of type {media_type} are not read")
    if not content.strip(b"\0 \t\r\n"):
        raise DecodeError(source_uri, f"the file is empty; {_RESTORE}")
    with translated_errors(source_uri, "the document cannot be read", _RESTORE):
        document = _read(content, source_uri, _sniff(content, media_type), limits)
    if not document.text.strip():
        raise DecodeError(source_uri, "there is no text in it; fill or remove it")
    _check_length(len(document.text), source_uri, limits)
    return document


def _sniff(content: bytes, media_type: str) -> str:
    """The media type by the first bytes where they tell, else by the name."""
    if content.startswith(b"%PDF-"):
        return _PDF
    if _HTML_START.match(content) or media_type == "application/xhtml+xml":
        return _HTML
    return media_type


def _read(content: bytes, source_uri: str, media_type: str, limits: Limits) -> DecodedText:
    if media_type == _PDF:
        title, pages = read_pdf(content, source_uri, limits)
        return _join_pages(title, [to_normal_text(page).strip() for page in pages])
    declared = to_declared_charset(content) if media_type == _HTML else None
    source = to_normal_text(decode_charset(content, source_uri, declared))
    if media_type == _HTML:
        title, text = read_html(source)
    elif media_type == _MARKDOWN:
        title, text = read_markdown(source)
    else:
        title, text = None, source
    return DecodedText(to_normal_text(text), title)


def _join_pages(title: str | None, pages: list[str]) -> DecodedText:
    """Pages one after another; a line end at each seam keeps the whole in NFC."""
    ends = accumulate(len(page) + len(_PAGE_BREAK) for page in pages)
    return DecodedText(_PAGE_BREAK.join(pages), title, (0, *ends)[: len(pages)])


def _check_length(text_chars: int, source_uri: str, limits: Limits) -> None:
    if text_chars > limits.max_text_chars:
        raise SourceTooLarge(
            source_uri,
            f"{text_chars:,} characters, over the limit of {limits.max_text_chars:,}; split it",
        )
    if text_chars > limits.long_text_chars:
        _LOG.warning("%s: a long document (%s characters)", source_uri, f"{text_chars:,}")
