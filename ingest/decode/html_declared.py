"""What a page declares of itself: its language and when it was published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.decode.dates import to_iso_date
from ingest.decode.language import to_language_tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

_PUBLISHED = (
    *("article:published_time", "og:article:published_time", "datepublished", "date"),
    *("dc.date.issued", "dcterms.issued", "dc.date.created", "dcterms.created"),
    *("dc.date", "dcterms.date", "citation_publication_date", "publication_date", "pubdate"),
)
"""Names of ``<meta>`` that say when a page was published, the surest first."""

_JSON_PUBLISHED = re.compile(r'"datePublished"\s*:\s*"([^"\\]{4,40})"')
"""Of the schema.org vocabulary, in JSON-LD."""

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def find_language(tree: HtmlElement) -> str | None:
    """As ``lang`` of the page or of its body says, else as its ``<meta>`` says."""
    roots = [tree, *tree.iterfind("body")]
    for element in roots:
        for name in ("lang", "xml:lang", _XML_LANG):
            if language := to_language_tag(element.get(name)):
                return language
    declared = _read_meta(tree)
    for name in ("content-language", "og:locale", "dc.language", "language"):
        if language := to_language_tag(declared.get(name)):
            return language
    return None


def find_published(tree: HtmlElement) -> str | None:
    """When the page was published, ISO 8601, if it says so where machines look for it."""
    declared = _read_meta(tree)
    for text in (
        *(declared.get(name) for name in _PUBLISHED),
        *_iter_json_dates(tree),
        *_iter_time_elements(tree),
    ):
        if moment := to_iso_date(text):
            return moment
    return None


def _read_meta(tree: HtmlElement) -> dict[str, str]:
    """Lower-case name -> content of each ``<meta>``; of several with one name, the first."""
    declared: dict[str, str] = {}
    for element in tree.iter("meta"):
        for attribute in ("name", "property", "itemprop", "http-equiv"):
            if name := element.get(attribute):
                declared.setdefault(name.lower(), element.get("content") or "")
    return declared


def _iter_json_dates(tree: HtmlElement) -> Iterator[str]:
    for element in tree.iter("script"):
        if element.get("type") == "application/ld+json":
            match = _JSON_PUBLISHED.search(element.text or "")
            if match is not None:
                yield match[1]


def _iter_time_elements(tree: HtmlElement) -> Iterator[str]:
    for element in tree.iter("time"):
        if "pubdate" in element.attrib or element.get("itemprop") == "datePublished":
            yield element.get("datetime") or element.text or ""
