"""HTML to its main text."""

from __future__ import annotations

import re
import sys
import warnings
from html import unescape
from threading import Lock
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text, to_title
from ingest.decode.document import DecodedText
from ingest.decode.html_declared import find_language, find_published
from ingest.decode.html_images import find_base
from ingest.decode.html_page import ShownPage, to_shown_page

if TYPE_CHECKING:
    from types import ModuleType

    from lxml.html import HtmlElement

    from ingest.decode.document import Heading
    from ingest.decode.figures import Figures

_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""")
_HEAD_BYTES = 2048
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")

_UNSHOWN_SOURCE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|head)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(r"<[^<>]*>")

_IMPORTING = Lock()
"""Changing the warning filters is not safe in several threads at once, so it is done once."""

_BRIEF_CHARS = 600
"""A page that shows no more text than this is all main text: there is nothing to sift."""

_MAX_SIFTED_ELEMENTS = 30_000
"""A larger page is taken whole: sifting takes a tenth of a millisecond for each element."""


def to_declared_charset(content: bytes) -> str | None:
    """The encoding that the page names in its first 2,048 bytes, if it does."""
    match = _DECLARED.search(content[:_HEAD_BYTES])
    return match[1].decode("ascii") if match else None


def read_html(source: str, figures: Figures) -> DecodedText:
    """A page's main text, with its title and the headings and images in it.

    Navigation, advertisements and the like are left out where the page is long enough to tell;
    where nothing is left, all text that the page shows is taken. A title opens the text too,
    unless the text has it near its beginning. The title is the ``<title>``, else the first
    ``<h1>``.

    Args:
        source: In its normal spelling.
        figures: Collects the images, if they are wanted.
    """
    tree = parse_html(source)
    if tree is None:
        return DecodedText(to_normal_text(_strip_tags(source)))
    page = to_shown_page(tree)
    language, created_at, base = find_language(tree), find_published(tree), find_base(tree)
    title = _find_title(tree)
    shown = page.to_text()
    text = shown if len(shown) <= _BRIEF_CHARS else _to_main_text(tree) or shown
    if title and title not in " ".join(text[: 4 * len(title) + _BRIEF_CHARS].split()):
        text = f"{title}\n\n{text}"
    text = to_normal_text(text)
    if figures.wanted:
        page.add_figures(text, figures, base)
    headings = page.find_headings(text)
    return DecodedText(text, title, headings=headings, language=language, created_at=created_at)


def read_chapter(source: str) -> tuple[str, tuple[Heading, ...], ShownPage]:
    """All text that a chapter of a book shows, its headings, and the page it is shown on.

    Args:
        source: In its normal spelling.
    """
    tree = parse_html(source)
    if tree is None:
        return to_normal_text(_strip_tags(source)), (), ShownPage()
    page = to_shown_page(tree)
    text = to_normal_text(page.to_text())
    return text, page.find_headings(text), page


def parse_html(source: str) -> HtmlElement | None:
    """The page as a tree; None when it is nested deeper than the parser goes, or empty."""
    from lxml import etree, html

    parser = html.HTMLParser(remove_comments=True, remove_pis=True, no_network=True)
    try:
        source = _XML_DECLARATION.sub("", source, count=1)
        tree = html.document_fromstring(source, parser=parser)
    except (etree.ParserError, ValueError):
        return None
    too_deep = any(error.level == etree.ErrorLevels.FATAL for error in parser.error_log)
    return None if too_deep else tree


def _find_title(tree: HtmlElement) -> str | None:
    for path in (".//head/title", ".//h1"):
        for element in tree.iterfind(path):
            if title := to_title(element.text_content()):
                return title
    return None


def _to_main_text(tree: HtmlElement) -> str | None:
    """What is left after sifting; None when that is nothing, or the page is too large for it."""
    if sum(1 for _ in tree.iter()) > _MAX_SIFTED_ELEMENTS:
        return None
    main_text: str | None = _load_trafilatura().extract(
        tree, output_format="txt", include_comments=False, include_tables=True, favor_recall=True
    )
    return main_text


def _load_trafilatura() -> ModuleType:
    """The library, without what its HTTP client says on import about proxies nobody uses here."""
    with _IMPORTING:
        if (loaded := sys.modules.get("trafilatura")) is not None:
            return loaded
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="SOCKS support in urllib3")
            import trafilatura
    return trafilatura


def _strip_tags(source: str) -> str:
    """The last resort: what is not between angle brackets."""
    text = _TAG.sub("\n", _UNSHOWN_SOURCE.sub("\n", source))
    lines = (line.strip() for line in unescape(text).split("\n"))
    return "\n".join(line for line in lines if line)
