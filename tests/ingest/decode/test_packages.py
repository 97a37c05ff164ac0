"""Documents that are archives: hostile ones, damaged ones, wrongly named ones."""

from __future__ import annotations

import struct
import zipfile
from contextlib import suppress
from functools import cache
from io import BytesIO
from typing import Any

import docx
import pptx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx.util import Inches

from ingest.decode.limits import Limits
from ingest.decode.packages import DOCX, EPUB, PPTX, sniff_package
from ingest.decode.text import DecodedText, decode_text
from schemas.errors import DecodeError, SourceError, SourceTooLarge, UnsupportedFormat
from tests.documents import PdfPage, jpeg_image, picture, to_epub, to_file, to_pdf, to_zip

LIMITS = Limits()
URI = "folder://r/a"
KINDS = {"docx": DOCX, "pptx": PPTX, "epub": EPUB, "pdf": "application/pdf"}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def decode(content: bytes, media_type: str, limits: Limits = LIMITS) -> DecodedText:
    return decode_text(content, URI, media_type, limits=limits, figures=True)


@cache
def sound(kind: str) -> bytes:
    image = BytesIO(to_file(picture(), "JPEG"))
    buffer = BytesIO()
    if kind == "docx":
        document: Any = docx.Document()
        document.add_heading("A heading", 1)
        document.add_paragraph("found")
        document.add_picture(image)
        document.save(buffer)
    elif kind == "pptx":
        presentation: Any = pptx.Presentation()
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = "found"
        slide.shapes.add_picture(image, Inches(1), Inches(1))
        presentation.save(buffer)
    elif kind == "epub":
        body = '<h1>A heading</h1><p>found</p><img src="a.jpg"/>'
        return to_epub({"a.xhtml": body}, extra={"OPS/a.jpg": image.getvalue()})
    else:
        return to_pdf([PdfPage([(100, 700, "found")], [jpeg_image(picture())])])
    return buffer.getvalue()


def edited(kind: str, changes: dict[str, bytes]) -> bytes:
    """A sound document with other or further parts."""
    with zipfile.ZipFile(BytesIO(sound(kind))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return to_zip({**members, **changes})


@pytest.mark.parametrize("kind", ["docx", "pptx", "epub"])
@pytest.mark.parametrize("media_type", ["text/plain", "application/pdf", "text/html", PPTX, EPUB])
def test_documents_are_told_by_what_they_are(kind: str, media_type: str) -> None:
    document = decode(sound(kind), media_type)
    assert "found" in document.text
    assert len(document.figures) == 1


def test_an_archive_of_other_things_is_no_document() -> None:
    archive = to_zip({"a.txt": "found"})
    assert sniff_package(archive) is None
    for media_type, name in ((DOCX, "Word"), (PPTX, "Presentation"), (EPUB, "EPUB")):
        with pytest.raises(DecodeError, match=f"(?i){name}|docx|pptx|cannot be read"):
            decode(archive, media_type)
    with pytest.raises(DecodeError, match="not text in any known encoding"):
        decode(archive, "text/plain")
    with pytest.raises(DecodeError, match="damaged, truncated or no Word document"):
        decode(b"found, as plain text", DOCX)


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        ("WordDocument", UnsupportedFormat, "Word file of the kind before 2007; save it as .docx"),
        ("PowerPoint Document", UnsupportedFormat, "PowerPoint file .* save it as .pptx"),
        ("Workbook", UnsupportedFormat, "save it as .docx or .pptx"),
        ("EncryptedPackage", DecodeError, "needs a password; save it without one"),
    ],
)
def test_old_and_encrypted_office_files_say_what_they_are(
    stream: str, error: type[SourceError], message: str
) -> None:
    content = OLE + stream.encode("utf-16-le")
    for media_type in (DOCX, PPTX):
        with pytest.raises(error, match=message):
            decode(content, media_type)


def test_an_encrypted_archive_needs_a_password() -> None:
    content = bytearray(sound("docx"))
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(mark)
        content[at + place] |= 1
    with pytest.raises(DecodeError, match="needs a password"):
        decode(bytes(content), DOCX)


@pytest.mark.parametrize("kind", ["docx", "pptx", "epub"])
def test_bombs_are_refused_before_they_are_unpacked(kind: str) -> None:
    bomb = edited(kind, {"bomb.bin": bytes(150_000_000)})
    assert len(bomb) < 400_000
    with pytest.raises(SourceTooLarge, match="as no document does"):
        decode(bomb, KINDS[kind])
    with pytest.raises(SourceTooLarge, match=r"unpacks to .* over the limit of 1,000"):
        decode(sound(kind), KINDS[kind], Limits(max_unpacked_bytes=1_000))


def test_a_part_that_is_larger_than_it_says_is_damaged() -> None:
    content = bytearray(edited("docx", {"word/document.xml": b"<w:x/>" * 1_000_000}))
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            if content[at + place : at + place + 4] == struct.pack("<I", 6_000_000):
                content[at + place : at + place + 4] = struct.pack("<I", 500)
    with pytest.raises(DecodeError, match="CRC"):
        decode(bytes(content), DOCX)


def test_too_many_tags_and_parts_are_refused() -> None:
    tags = edited("docx", {"word/document.xml": b"<a/>" * 10_000_001})
    with pytest.raises(SourceTooLarge, match=r"as no document does|XML tags"):
        decode(tags, DOCX)
    with pytest.raises(SourceTooLarge, match="more than 20,000 packed files"):
        decode(sound("docx") + b"PK\x01\x02" * 20_001, DOCX)


def test_other_ways_of_packing_are_refused() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("word/document.xml", bytes(1_000_000))
    with pytest.raises(DecodeError, match="packed by a method"):
        decode(buffer.getvalue(), DOCX)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "definition",
    [
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY x "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("docx", "word/document.xml"),
        ("docx", "docProps/core.xml"),
        ("pptx", "ppt/slides/slide1.xml"),
        ("epub", "OPS/book.opf"),
        ("epub", "META-INF/container.xml"),
    ],
)
def test_no_definition_is_followed(kind: str, name: str, definition: str, encoding: str) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding}"?>{definition}<r>&x;</r>'.encode(encoding)
    with pytest.raises(DecodeError, match="document type definition"):
        decode(edited(kind, {name: xml}), KINDS[kind])


def test_entities_of_a_chapter_stand_for_nothing() -> None:
    page = (
        '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        "<html><body><p>found &x;</p></body></html>"
    )
    document = decode(edited("epub", {"OPS/a.xhtml": page.encode()}), EPUB)
    assert "found" in document.text
    assert "root:" not in document.text


def test_parts_that_lie_outside_of_the_archive_are_not_read() -> None:
    with zipfile.ZipFile(BytesIO(sound("docx"))) as archive:
        name = "word/_rels/document.xml.rels"
        relations = archive.read(name)
    outside = relations.replace(b"media/image1.jpg", b"../../../../etc/passwd")
    assert outside != relations
    with suppress(SourceError):
        assert "root:" not in decode(edited("docx", {name: outside}), DOCX).text


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("docx", "word/_rels/document.xml.rels"),
        ("docx", "_rels/.rels"),
        ("pptx", "ppt/slides/_rels/slide1.xml.rels"),
    ],
)
def test_a_part_that_is_missing_costs_itself(kind: str, name: str) -> None:
    with zipfile.ZipFile(BytesIO(sound(kind))) as archive:
        relations = archive.read(name)
    lost = b'<Relationship Id="rId99" Type="http://x/image" Target="../NULL"/></Relationships>'
    changed = edited(kind, {name: relations.replace(b"</Relationships>", lost)})
    document = decode(changed, KINDS[kind])
    assert document == decode(sound(kind), KINDS[kind])
    assert len(document.figures) == 1


@settings(max_examples=120, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_document_is_read_or_one_error(kind: str, share: float) -> None:
    content = sound(kind)
    with suppress(SourceError):
        assert decode(content[: int(share * len(content))], KINDS[kind]).text


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["docx", "epub", "pptx"]),
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), max_size=6
    ),
)
def test_a_damaged_document_is_read_or_one_error(
    kind: str, edits: list[tuple[float, bytes]]
) -> None:
    content = bytearray(sound(kind))
    for place, patch in edits:
        start = int(place * len(content))
        content[start : start + len(patch)] = patch
    with suppress(SourceError):
        document = decode(bytes(content), KINDS[kind])
        assert document.text or document.figures


XML_PARTS = [
    ("docx", "word/document.xml"),
    ("docx", "word/styles.xml"),
    ("docx", "docProps/core.xml"),
    ("docx", "word/_rels/document.xml.rels"),
    ("pptx", "ppt/slides/slide1.xml"),
    ("pptx", "ppt/presentation.xml"),
    ("epub", "OPS/book.opf"),
    ("epub", "OPS/a.xhtml"),
]


@settings(max_examples=120, deadline=None)
@given(
    part=st.sampled_from(XML_PARTS),
    place=st.floats(0, 1, exclude_max=True),
    removed=st.integers(0, 200),
    added=st.sampled_from([b"", b"<w:p/>", b"</w:p>", b'"', b"<", b"&", b"\xff", b' x="1"']),
)
def test_damaged_parts_are_read_or_one_error(
    part: tuple[str, str], place: float, removed: int, added: bytes
) -> None:
    kind, name = part
    with zipfile.ZipFile(BytesIO(sound(kind))) as archive:
        xml = archive.read(name)
    start = int(place * len(xml))
    with suppress(SourceError):
        changed = xml[:start] + added + xml[start + removed :]
        document = decode(edited(kind, {name: changed}), KINDS[kind])
        assert document.text or document.figures
