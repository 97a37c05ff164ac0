"""EPUB books to text, chapter by chapter.

A book is a zip archive of web pages and one file that says in which order they are read (EPUB 3.3,
and EPUB 2 likewise), so what reads archives and pages reads books.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ingest.decode.characters import to_normal_text, to_title
from ingest.decode.charset import decode_charset
from ingest.decode.dates import to_iso_date
from ingest.decode.document import DecodedText
from ingest.decode.html_images import find_caption, to_alt_text, to_location
from ingest.decode.html_text import read_chapter, to_declared_charset
from ingest.decode.language import to_language_tag
from ingest.decode.packages import EPUB, open_package, parse_xml
from ingest.decode.passages import Passages
from schemas.errors import DecodeError, SourceTooLarge

if TYPE_CHECKING:
    from zipfile import ZipFile

    from lxml import etree

    from ingest.decode.figures import Figures
    from ingest.decode.html_page import ShownPage
    from ingest.decode.limits import Limits

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_ROOT_FILE = "{*}rootfiles/{*}rootfile"
_DC = "{http://purl.org/dc/elements/1.1/}"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_FONT_ALGORITHMS = (
    b"http://www.idpf.org/2008/embedding",
    b"http://ns.adobe.com/pdf/enc#RC",
)
"""They scramble fonts alone, not the text."""


def read_epub(content: bytes, source_uri: str, limits: Limits, figures: Figures) -> DecodedText:
    """A book's text in reading order, without its navigation.

    The dates of a book are when it was created or published, not when the file was modified.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large.
        figures: Collects the images of chapters, if they are wanted.

    Raises:
        SourceTooLarge: It has more text or chapters, or unpacks to more, than allowed.
        DecodeError: It is damaged, protected against copying, or no EPUB.
    """
    with open_package(content, source_uri, EPUB, limits) as package:
        book = _Book(package, source_uri, limits, figures)
        return book.read()


class _Book:
    """One pass over a book."""

    def __init__(self, package: ZipFile, source_uri: str, limits: Limits, figures: Figures) -> None:
        self._package = package
        self._source_uri = source_uri
        self._max_chapters = limits.max_pages
        self._names = frozenset(package.namelist())
        self._passages = Passages(source_uri, limits)
        self._figures = figures

    def read(self) -> DecodedText:
        self._refuse_protection()
        path = self._find_root_file()
        root = parse_xml(self._read(path), path, self._source_uri)
        if self._figures.wanted:
            self._add_cover(root, posixpath.dirname(path))
        for name in self._list_chapters(root, posixpath.dirname(path)):
            self._read_chapter(name)
        return DecodedText(
            self._passages.text,
            to_title(root.findtext(f"{{*}}metadata//{_DC}title")),
            headings=self._passages.headings,
            language=to_language_tag(root.findtext(f"{{*}}metadata//{_DC}language")),
            created_at=_find_date(root),
        )

    def _refuse_protection(self) -> None:
        if _ENCRYPTION not in self._names:
            return
        encryption = self._read(_ENCRYPTION)
        methods = encryption.count(b"EncryptionMethod ")
        if methods > sum(map(encryption.count, _FONT_ALGORITHMS)):
            raise DecodeError(
                self._source_uri, "the book is protected against copying; get one that is not"
            )

    def _find_root_file(self) -> str:
        """The path of the file that lists the book's parts."""
        root = parse_xml(self._read(_CONTAINER), _CONTAINER, self._source_uri)
        root_file = root.find(_ROOT_FILE)
        return unquote((root_file.get("full-path") or "") if root_file is not None else "")

    def _list_chapters(self, root: etree._Element, folder: str) -> list[str]:
        """Paths of the pages in reading order, each once."""
        items = {item.get("id"): item for item in root.iterfind("{*}manifest/{*}item")}
        references = root.findall("{*}spine/{*}itemref")
        if len(references) > self._max_chapters:
            raise SourceTooLarge(
                self._source_uri,
                f"{len(references):,} chapters, over the limit of {self._max_chapters:,}; split it",
            )
        listed = [items.get(reference.get("idref")) for reference in references]
        chapters = [item for item in listed if item is not None and _is_chapter(item)]
        return list(dict.fromkeys(_to_path(folder, item.get("href") or "") for item in chapters))

    def _add_cover(self, root: etree._Element, folder: str) -> None:
        """The picture on the front, which EPUB 3 and EPUB 2 mark each in its own way."""
        metas = root.iterfind("{*}metadata/{*}meta")
        marked = {meta.get("content") for meta in metas if meta.get("name") == "cover"}
        for item in root.iterfind("{*}manifest/{*}item"):
            is_cover = "cover-image" in (item.get("properties") or "") or item.get("id") in marked
            path = _to_path(folder, item.get("href") or "")
            if is_cover and path in self._names:
                self._figures.add(self._read(path), start_char=0)

    def _read_chapter(self, name: str) -> None:
        if name not in self._names:
            return
        content = self._read(name)
        if not content.strip():
            return
        source = decode_charset(content, self._source_uri, to_declared_charset(content))
        text, headings, page = read_chapter(to_normal_text(source))
        start = self._passages.add_passages(text, headings)
        if self._figures.wanted:
            self._add_figures(page, posixpath.dirname(name), start)

    def _add_figures(self, page: ShownPage, folder: str, start_char: int) -> None:
        for position, element in page.place_images(page.to_text()):
            location = to_location(element, None, self._figures)
            if location is None:
                continue
            caption, alt_text = find_caption(element), to_alt_text(element)
            place = start_char + (position or 0)
            path = _to_path(folder, location)
            if path in self._names:
                self._figures.add(
                    self._read(path), caption=caption, alt_text=alt_text, start_char=place
                )
            elif location[:5].lower() == "data:":
                self._figures.add_link(
                    location, caption=caption, alt_text=alt_text, start_char=place
                )

    def _read(self, name: str) -> bytes:
        if name not in self._names:
            raise DecodeError(
                self._source_uri, f"no EPUB: {name or 'its list of parts'!r} is missing; restore it"
            )
        return self._package.read(name)


def _is_chapter(item: etree._Element) -> bool:
    """Whether a part is a page, and not the book's table of contents."""
    properties = (item.get("properties") or "").split()
    return item.get("media-type") in _PAGES and "nav" not in properties


def _to_path(folder: str, location: str) -> str:
    """Path in the archive of what a page in a folder calls by a relative URL."""
    path = unquote(location.partition("#")[0].partition("?")[0])
    return posixpath.normpath(posixpath.join(folder, path))


def _find_date(root: etree._Element) -> str | None:
    """When the book was created or published; an EPUB 2 may also say when it was modified."""
    dates = [
        date
        for date in root.iterfind(f"{{*}}metadata//{_DC}date")
        if not any(value == "modification" for value in date.attrib.values())
    ]
    found = (to_iso_date(date.text) for date in dates)
    return next((date for date in found if date is not None), None)
