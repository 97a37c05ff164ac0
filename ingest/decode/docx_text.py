"""Word documents (DOCX) to text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.decode.characters import to_title
from ingest.decode.document import DecodedText
from ingest.decode.docx_runs import DocxImage, Runs
from ingest.decode.docx_styles import Styles, W
from ingest.decode.office import open_office
from ingest.decode.packages import DOCX
from ingest.decode.passages import Passages, to_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docx.document import Document
    from lxml import etree

    from ingest.decode.figures import Figures
    from ingest.decode.limits import Limits

_NOTES = ("/footnotes", "/endnotes")
"""How the relationship types of a document's notes end."""

_WRAPPERS = frozenset(f"{W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml"))
"""What may stand around paragraphs: form fields, tracked insertions, markup of others."""

_TABLE = frozenset(f"{W}{name}" for name in ("tbl", "tr", "tc"))


def read_docx(content: bytes, source_uri: str, limits: Limits, figures: Figures) -> DecodedText:
    """A Word document's text: paragraphs, lists, tables, text boxes, then its notes.

    A table's rows are lines, with tabs between the cells. Headers, footers, comments and what
    was deleted with changes tracked are left out. The title is the one in the properties, else
    the paragraph in the style Title, else the first heading.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large.
        figures: Collects the images, if they are wanted.

    Raises:
        UnsupportedFormat: It is of the kind before 2007.
        SourceTooLarge: It has more text, or unpacks to more, than allowed.
        DecodeError: It is damaged, encrypted or no Word document.
    """
    import docx

    package, properties = open_office(content, source_uri, DOCX, limits)
    document = docx.Document(package)
    text = _Reader(document, Passages(source_uri, limits), figures).read()
    return replace(
        text,
        title=properties.title or text.title,
        language=properties.language,
        created_at=properties.created_at,
    )


class _Reader:
    """One pass over a document."""

    def __init__(self, document: Document, passages: Passages, figures: Figures) -> None:
        self._document = document
        self._passages = passages
        self._figures = figures
        self._styles = Styles(document.styles.element)
        self._runs = Runs(document.part, images=figures.wanted)
        self._uncaptioned: list[tuple[DocxImage, int]] = []
        self._was_item = False
        self._title: str | None = None

    def read(self) -> DecodedText:
        self._read_blocks(self._document.element.body)
        for notes in self._iter_notes():
            self._read_blocks(notes)
        self._keep_images(None)
        headings = self._passages.headings
        title = self._title or (to_title(headings[0].text) if headings else None)
        return DecodedText(self._passages.text, title, headings=headings)

    def _read_blocks(self, container: etree._Element) -> None:
        for element in container:
            if element.tag == f"{W}p":
                self._read_paragraph(element)
            elif element.tag == f"{W}tbl":
                self._read_table(element)
            elif element.tag in _WRAPPERS:
                self._read_blocks(element)

    def _read_paragraph(self, paragraph: etree._Element) -> None:
        text = self._runs.to_text(paragraph)
        is_caption = self._styles.to_name(paragraph).endswith("caption")
        if text.strip():
            self._keep_images(text if is_caption else None)
            self._add_paragraph(paragraph, text)
        self._take_images()
        if is_caption and text.strip():
            self._keep_images(text)
        for box in self._runs.take_boxes():
            self._read_blocks(box)

    def _add_paragraph(self, paragraph: etree._Element, text: str) -> None:
        is_item = self._styles.is_list_item(paragraph)
        level = self._styles.to_level(paragraph)
        if level is not None:
            self._passages.add_heading(text, level)
        else:
            self._passages.add(text, "\n" if is_item and self._was_item else "\n\n")
        self._was_item = is_item
        if self._title is None and self._styles.to_name(paragraph) == "title":
            self._title = to_title(text)

    def _read_table(self, table: etree._Element) -> None:
        """Rows as lines. Cells that are merged stand once."""
        gap = "\n\n"
        for row in _iter_through(table, f"{W}tr"):
            cells = [self._to_cell_text(cell) for cell in _iter_through(row, f"{W}tc")]
            if any(cells):
                self._keep_images(None)
                self._passages.add("\t".join(cells), gap)
                gap = "\n"
            self._take_images()
        self._was_item = False

    def _to_cell_text(self, cell: etree._Element) -> str:
        """All paragraphs of a cell on one line, also those of tables and text boxes in it."""
        texts = [self._runs.to_text(paragraph) for paragraph in _iter_paragraphs(cell)]
        texts += [self._to_cell_text(box) for box in self._runs.take_boxes()]
        return to_line(" ".join(texts))

    def _take_images(self) -> None:
        """Let the images just met wait for the caption that may follow."""
        position = self._passages.position
        self._uncaptioned += [(image, position) for image in self._runs.take_images()]

    def _keep_images(self, caption: str | None) -> None:
        """Collect the images that were waiting."""
        for image, position in self._uncaptioned:
            if image.location:
                self._figures.add_link(
                    image.location, caption=caption, alt_text=image.alt_text, start_char=position
                )
            else:
                self._figures.add(
                    image.content, caption=caption, alt_text=image.alt_text, start_char=position
                )
        self._uncaptioned.clear()

    def _iter_notes(self) -> Iterator[etree._Element]:
        """Every footnote and endnote that has text of its own."""
        from docx.oxml import parse_xml

        for relationship in self._document.part.rels.values():
            if relationship.is_external or not relationship.reltype.endswith(_NOTES):
                continue
            for note in parse_xml(relationship.target_part.blob):
                if note.get(f"{W}type", "normal") == "normal":
                    yield note


def _iter_through(container: etree._Element, tag: str) -> Iterator[etree._Element]:
    """The children of a name, also those in wrappers."""
    for element in container:
        if element.tag == tag:
            yield element
        elif element.tag in _WRAPPERS:
            yield from _iter_through(element, tag)


def _iter_paragraphs(container: etree._Element) -> Iterator[etree._Element]:
    """Every paragraph at any depth of tables, but not those of text boxes."""
    for element in container:
        if element.tag == f"{W}p":
            yield element
        elif element.tag in _WRAPPERS or element.tag in _TABLE:
            yield from _iter_paragraphs(element)
