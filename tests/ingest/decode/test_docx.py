from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Inches

from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.packages import DOCX
from ingest.decode.text import DecodedText, Heading, decode_text, headings_at
from schemas.errors import SourceTooLarge
from tests.documents import BLUE, GREEN, RED, picture, to_file

LIMITS = Limits()
URI = "folder://r/a.docx"


def to_bytes(document: Any) -> bytes:
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def decode(document: Any, limits: Limits = LIMITS) -> DecodedText:
    return decode_text(to_bytes(document), URI, DOCX, limits=limits, figures=True)


def empty() -> Any:
    """Without what the library's template says of itself."""
    document: Any = docx.Document()
    properties = document.core_properties
    properties.title = properties.language = ""
    return document


def add_picture(document: Any, colour: tuple[int, int, int], alt_text: str = "") -> Any:
    shape = document.add_picture(BytesIO(to_file(picture(colour))), width=Inches(1))
    shape._inline.docPr.set("descr", alt_text)
    return shape


def test_paragraphs_headings_lists_and_tables_come_in_order() -> None:
    document = empty()
    document.add_paragraph("The year of a heron", "Title")
    document.add_heading("Spring", 1)
    document.add_paragraph("It waits.\tIt\nstands.")
    document.add_heading("Nests", 2)
    document.add_paragraph("first", "List Bullet")
    document.add_paragraph("second", "List Number")
    table = document.add_table(rows=2, cols=3)
    for row, texts in zip(
        table.rows, (("bird", "legs", "note"), ("heron", "two", "")), strict=True
    ):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 2).add_paragraph("stands on one")
    table.cell(1, 2).add_table(1, 1).cell(0, 0).text = "inner"
    document.add_heading("Summer", 1)
    document.add_paragraph("It flies.")
    decoded = decode(document)
    assert decoded.text.split("\n\n") == [
        "The year of a heron",
        "Spring",
        "It waits.\tIt\nstands.",
        "Nests",
        "first\nsecond",
        "bird\tlegs\tnote\nheron\ttwo\tstands on one inner",
        "Summer",
        "It flies.",
    ]
    assert decoded.title == "The year of a heron"
    assert decoded.page_starts == ()
    assert [(heading.level, heading.text) for heading in decoded.headings] == [
        (1, "Spring"),
        (2, "Nests"),
        (1, "Summer"),
    ]
    for heading in decoded.headings:
        assert decoded.text[heading.start_char :].startswith(heading.text)
    assert headings_at(decoded, decoded.text.index("heron\ttwo")) == ("Spring", "Nests")
    assert headings_at(decoded, decoded.text.index("flies")) == ("Summer",)
    assert headings_at(decoded, 0) == ()


def test_a_style_of_ones_own_is_a_heading_by_its_outline_level() -> None:
    document = empty()
    style = document.styles.add_style("Kapitel", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Normal"]
    properties = style.element.get_or_add_pPr()
    properties.append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="2"/>'))
    derived = document.styles.add_style("Anhang", WD_STYLE_TYPE.PARAGRAPH)
    derived.base_style = style
    document.add_paragraph("One", "Kapitel")
    document.add_paragraph("Two", "Anhang")
    assert decode(document).headings == (Heading(0, 3, "One"), Heading(5, 3, "Two"))


def test_what_is_said_of_the_document() -> None:
    document = empty()
    document.core_properties.title = " Herons,\n seen "
    document.core_properties.language = "pt_br"
    document.core_properties.created = datetime(2024, 3, 5, 10, 11, 12, tzinfo=UTC)
    document.add_heading("Spring", 1)
    decoded = decode(document)
    assert (decoded.title, decoded.language) == ("Herons, seen", "pt-BR")
    assert decoded.created_at == "2024-03-05T10:11:12Z"


def test_pictures_have_captions_and_alt_texts() -> None:
    document = empty()
    document.add_heading("Birds", 1)
    add_picture(document, RED, "A red heron")
    document.add_paragraph("Figure 1: A heron", "Caption")
    add_picture(document, GREEN, "green.png")
    document.add_paragraph("No caption.")
    document.add_heading("More", 1)
    add_picture(document, RED, "The same again")
    add_picture(document, BLUE)
    decoded = decode(document)
    assert decoded.text == "Birds\n\nFigure 1: A heron\n\nNo caption.\n\nMore"
    assert [(figure.caption, figure.alt_text) for figure in decoded.figures] == [
        ("Figure 1: A heron", "A red heron"),
        (None, None),
        (None, None),
    ]
    for figure, colour in zip(decoded.figures, (RED, GREEN, BLUE), strict=True):
        image = decode_image(figure.content, "f", limits=LIMITS, side_pixels=224)
        assert (image.width_pixels, image.height_pixels) == (120, 80)
        assert image.image.getpixel((9, 9)) == colour
        assert (figure.media_type, figure.page) == ("image/png", None)
    paths = [headings_at(decoded, figure.start_char or 0) for figure in decoded.figures]
    assert paths == [("Birds",), ("Birds",), ("More",)]


def test_a_linked_picture_is_a_location() -> None:
    document = empty()
    add_picture(document, RED, "A red heron")
    blip = next(document.element.body.iter(qn("a:blip")))
    del blip.attrib[qn("r:embed")]
    address = "https://example.org/heron.jpg"
    link = document.part.relate_to(address, RELATIONSHIP_TYPE.IMAGE, is_external=True)
    blip.set(qn("r:link"), link)
    (figure,) = decode(document).figures
    assert (figure.content, figure.location) == (b"", address)
    assert (figure.media_type, figure.alt_text) == ("image/jpeg", "A red heron")


def test_a_picture_in_a_table_is_found() -> None:
    document = empty()
    cell = document.add_table(1, 1).cell(0, 0)
    cell.paragraphs[0].add_run("seen").add_picture(BytesIO(to_file(picture())))
    document.add_paragraph("Figure 2: In a table", "Caption")
    (figure,) = decode(document).figures
    assert figure.caption == "Figure 2: In a table"


BOX = """<w:r {ns} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
 xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"
 xmlns:v="urn:schemas-microsoft-com:vml"><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>
 <wps:txbx><w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent></wps:txbx>
 </w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent><w:p><w:r>
 <w:t>in a box</w:t> </w:r></w:p></w:txbxContent></v:textbox></w:pict>
 </mc:Fallback></mc:AlternateContent></w:r>"""


def test_text_boxes_changes_and_fields_are_read_as_they_show() -> None:
    document = empty()
    namespaces = nsdecls("w")
    paragraph = document.add_paragraph("It ")
    for run in (
        f"<w:ins {namespaces}><w:r><w:t>waits</w:t></w:r></w:ins>",
        f"<w:del {namespaces}><w:r><w:delText>runs</w:delText></w:r></w:del>",
        f"<w:r {namespaces}><w:instrText>HYPERLINK</w:instrText></w:r>",
        f"<w:hyperlink {namespaces}><w:r><w:t xml:space='preserve'> here</w:t></w:r></w:hyperlink>",
        f"<w:r {namespaces}><w:t>heron</w:t><w:noBreakHyphen/><w:t>like</w:t></w:r>",
        BOX.format(ns=namespaces),
    ):
        paragraph._p.append(parse_xml(run))
    document.element.body.insert(
        1,
        parse_xml(
            f"<w:sdt {namespaces}><w:sdtContent><w:p><w:r><w:t>In a form.</w:t></w:r></w:p>"
            "</w:sdtContent></w:sdt>"
        ),
    )
    document.sections[0].header.paragraphs[0].text = "A header"
    assert decode(document).text == "It waits hereheron-like\n\nin a box\n\nIn a form."


def test_footnotes_stand_at_the_end() -> None:
    document = empty()
    document.add_paragraph("Text.")
    notes = f"""<w:footnotes {nsdecls("w")}><w:footnote w:type="separator" w:id="-1"><w:p/>
      </w:footnote><w:footnote w:id="1"><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote>
      </w:footnotes>"""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    assert decode(document).text == "Text.\n\nA note."


def test_a_long_document_is_refused_while_it_is_read() -> None:
    document = empty()
    for _ in range(3):
        document.add_paragraph("x" * 10)
    with pytest.raises(SourceTooLarge, match="more than 20 characters"):
        decode(document, Limits(max_text_chars=20))
