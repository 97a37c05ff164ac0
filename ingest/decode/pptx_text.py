"""PowerPoint presentations (PPTX) to text, slide by slide."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ingest.decode.characters import to_title
from ingest.decode.document import DecodedText
from ingest.decode.office import A, R, open_office
from ingest.decode.packages import PPTX
from ingest.decode.passages import Passages, to_line
from schemas.errors import SourceTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree
    from pptx.opc.package import _Relationship
    from pptx.presentation import Presentation
    from pptx.shapes.autoshape import Shape
    from pptx.shapes.base import BaseShape
    from pptx.shapes.graphfrm import GraphicFrame
    from pptx.shapes.picture import Picture
    from pptx.slide import Slide

    from ingest.decode.figures import Figures
    from ingest.decode.limits import Limits

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"


def read_pptx(content: bytes, source_uri: str, limits: Limits, figures: Figures) -> DecodedText:
    """A presentation's text: of each slide its title, shapes, tables, charts' titles and notes.

    Shapes come in the order in which a screen reader reads them; a table's rows are lines, with
    tabs between the cells. Slide titles are headings, slides are pages.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large.
        figures: Collects the pictures, if they are wanted.

    Raises:
        UnsupportedFormat: It is of the kind before 2007.
        SourceTooLarge: It has more slides or text, or unpacks to more, than allowed.
        DecodeError: It is damaged, encrypted or no presentation.
    """
    import pptx

    package, properties = open_office(content, source_uri, PPTX, limits)
    presentation = pptx.Presentation(package)
    _check_slides(len(presentation.slides), source_uri, limits)
    passages = Passages(source_uri, limits)
    page_starts = list(_iter_page_starts(presentation, passages, figures))
    text = passages.text
    headings = passages.headings
    return DecodedText(
        text,
        properties.title or (to_title(headings[0].text) if headings else None),
        tuple(min(start, len(text)) for start in page_starts),
        headings,
        properties.language,
        properties.created_at,
    )


def _check_slides(slide_count: int, source_uri: str, limits: Limits) -> None:
    if slide_count > limits.max_pages:
        raise SourceTooLarge(
            source_uri, f"{slide_count:,} slides, over the limit of {limits.max_pages:,}; split it"
        )


def _iter_page_starts(
    presentation: Presentation, passages: Passages, figures: Figures
) -> Iterator[int]:
    """Read every slide; yield where its text begins, or would."""
    for number, slide in enumerate(presentation.slides, start=1):
        yield passages.next_start if number > 1 else 0
        _Slide(slide, number, passages, figures).read()


class _Slide:
    """Reads one slide."""

    def __init__(self, slide: Slide, number: int, passages: Passages, figures: Figures) -> None:
        self._slide = slide
        self._number = number
        self._passages = passages
        self._figures = figures

    def read(self) -> None:
        title = self._slide.shapes.title
        if title is not None:
            self._passages.add_heading(title.text_frame.text, 1)
        for shape in self._slide.shapes:
            if title is None or shape.shape_id != title.shape_id:
                self._read_shape(shape)
        if self._slide.has_notes_slide:
            notes = self._slide.notes_slide.notes_text_frame
            self._passages.add("" if notes is None else _to_text(notes.text))

    def _read_shape(self, shape: BaseShape) -> None:
        """A shape, or all that is grouped in it."""
        for member in getattr(shape, "shapes", ()):
            self._read_shape(member)
        if shape.has_text_frame:
            self._passages.add(_to_text(cast("Shape", shape).text_frame.text))
        elif shape.element.tag == f"{_P}graphicFrame":
            self._read_frame(cast("GraphicFrame", shape))
        elif shape.element.tag == f"{_P}pic" and self._figures.wanted:
            self._add_picture(cast("Picture", shape))

    def _read_frame(self, shape: GraphicFrame) -> None:
        """A table, or the title of a chart."""
        if shape.has_table:
            self._read_table(shape)
        elif shape.has_chart and shape.chart.has_title:
            self._passages.add(_to_text(shape.chart.chart_title.text_frame.text))

    def _read_table(self, shape: GraphicFrame) -> None:
        gap = "\n\n"
        for row in shape.table.rows:
            cells = [to_line(cell.text_frame.text) for cell in row.cells if not cell.is_spanned]
            if any(cells):
                self._passages.add("\t".join(cells), gap)
                gap = "\n"

    def _add_picture(self, shape: Picture) -> None:
        blip = next(shape.element.iter(f"{A}blip"), None)
        relationship = None if blip is None else self._find_relationship(blip)
        if relationship is None:
            return
        named = next(shape.element.iter(f"{_P}cNvPr"), None)
        alt_text = None if named is None else named.get("descr")
        position = self._passages.position
        if relationship.is_external:
            location = relationship.target_ref
            self._figures.add_link(location, alt_text=alt_text, start_char=position)
        else:
            content = relationship.target_part.blob
            self._figures.add(content, page=self._number, alt_text=alt_text, start_char=position)

    def _find_relationship(self, blip: etree._Element) -> _Relationship | None:
        for name in ("embed", "link"):
            relationship_id = blip.get(f"{R}{name}")
            if relationship_id and relationship_id in self._slide.part.rels:
                return self._slide.part.rels[relationship_id]
        return None


def _to_text(text: str) -> str:
    r"""Text of shapes, in which a vertical tab is a line break within a paragraph."""
    return text.replace("\v", "\n")
