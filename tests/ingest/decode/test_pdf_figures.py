from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.text import DecodedText, Heading, decode_text, headings_at
from schemas.errors import DecodeError
from tests.documents import (
    BLUE,
    GREEN,
    RED,
    PdfPage,
    jpeg_image,
    picture,
    raw_image,
    to_file,
    to_pdf,
)

if TYPE_CHECKING:
    from ingest.decode.document import Figure

LIMITS = Limits()
URI = "folder://r/a.pdf"


def decode(content: bytes, limits: Limits = LIMITS, *, figures: bool = True) -> DecodedText:
    return decode_text(content, URI, "application/pdf", limits=limits, figures=figures)


def colours(figure: Figure) -> tuple[tuple[int, int], tuple[int, ...], tuple[int, ...]]:
    """Size as shown, and the colours at the upper left and the lower right."""
    decoded = decode_image(figure.content, "f", limits=LIMITS, side_pixels=1000)
    width, height = decoded.image.size
    first, last = (decoded.image.getpixel(at) for at in ((5, 5), (width - 6, height - 6)))
    assert isinstance(first, tuple)
    assert isinstance(last, tuple)
    return (decoded.width_pixels, decoded.height_pixels), first, last


def two_colours() -> Image.Image:
    """Red above, blue below."""
    image = picture(RED, (120, 80))
    image.paste(picture(BLUE, (120, 40)), (0, 40))
    return image


def test_a_jpeg_that_is_shown_as_it_is_comes_as_it_is() -> None:
    image = jpeg_image(picture())
    (figure,) = decode(to_pdf([PdfPage([(100, 700, "Text.")], [image])])).figures
    assert figure.content == image.stream
    assert figure.media_type == "image/jpeg"
    assert (figure.page, figure.caption, figure.alt_text, figure.location) == (1, None, None, None)
    assert figure.start_char == 0


def test_pixels_come_as_a_png_of_their_own_size() -> None:
    (figure,) = decode(to_pdf([PdfPage([(9, 9, "x")], [raw_image(two_colours())])])).figures
    assert figure.media_type == "image/png"
    assert colours(figure) == ((120, 80), RED, BLUE)


def test_a_cmyk_jpeg_is_rendered_to_rgb() -> None:
    image = jpeg_image(Image.new("CMYK", (120, 80), (0, 255, 255, 0)))
    (figure,) = decode(to_pdf([PdfPage([(9, 9, "x")], [image])])).figures
    assert figure.media_type == "image/png"
    size, first, _ = colours(figure)
    assert size == (120, 80)
    assert first[0] > 200
    assert max(first[1:]) < 80


def test_what_a_mask_hides_is_white() -> None:
    mask = Image.new("L", (120, 80), 255)
    mask.paste(0, (0, 0, 120, 40))
    image = raw_image(picture(GREEN), mask=mask)
    (figure,) = decode(to_pdf([PdfPage([(9, 9, "x")], [image])])).figures
    assert colours(figure) == ((120, 80), (255, 255, 255), GREEN)


def test_a_jpeg_without_a_mask_stays_as_it_is_beside_one_with_a_mask() -> None:
    plain = jpeg_image(picture())
    masked = raw_image(picture(GREEN), mask=Image.new("L", (120, 80), 100))
    figures = decode(to_pdf([PdfPage([(9, 9, "x")], [plain, masked])])).figures
    assert [figure.media_type for figure in figures] == ["image/jpeg", "image/png"]


@pytest.mark.parametrize(
    ("matrix", "entries", "size", "first", "last"),
    [
        ("150 0 0 -100 100 600", b"", (120, 80), BLUE, RED),  # upside down
        ("0 150 -100 0 300 300", b"", (80, 120), RED, BLUE),  # a quarter to the left
        ("120 0 0 80 100 500", b"/Rotate 180", (120, 80), BLUE, RED),
        ("120 0 0 80 100 500", b"/Rotate 90", (80, 120), BLUE, RED),
        ("120 0 0 80 100 500", b"/Rotate 270", (80, 120), RED, BLUE),
    ],
)
def test_a_turned_image_is_upright(
    matrix: str,
    entries: bytes,
    size: tuple[int, int],
    first: tuple[int, ...],
    last: tuple[int, ...],
) -> None:
    image = raw_image(two_colours(), matrix)
    (figure,) = decode(to_pdf([PdfPage([(9, 9, "x")], [image], entries)])).figures
    assert colours(figure) == (size, first, last)


def test_captions_below_and_above_are_found_and_other_lines_are_not() -> None:
    below, above, alone = (
        jpeg_image(picture(colour), matrix)
        for colour, matrix in (
            (RED, "200 0 0 100 100 600"),
            (GREEN, "200 0 0 100 100 300"),
            (BLUE, "150 0 0 100 400 100"),
        )
    )
    texts = [
        (100, 740, "The figure is shown below, as Figure 1 says."),
        (100, 585, "Figure 1: A heron stands in the shallow water"),
        (100, 573, "and waits for a fish."),
        (100, 420, "Figure 2 shows the same bird again, as does"),
        (100, 280, "figure a bird of the same kind."),
        (100, 410, "Abb. 2 Ein Reiher"),
    ]
    document = decode(to_pdf([PdfPage(), PdfPage(texts, [below, above, alone])]))
    first, second, third = document.figures
    assert first.caption == "Figure 1: A heron stands in the shallow water and waits for a fish."
    assert second.caption == "Abb. 2 Ein Reiher"
    assert third.caption is None
    assert first.start_char == document.text.index("Figure 1: A heron")
    assert second.start_char == document.text.index("Abb. 2")
    assert {figure.page for figure in document.figures} == {2}


def test_an_image_without_a_caption_stands_behind_the_words_above_it() -> None:
    upper, lower = (f"150 0 0 100 100 {bottom}" for bottom in (600, 300))
    lines = [(100, 740, "Galaxies are islands."), (100, 500, "Food is on the table.")]
    images = [jpeg_image(picture(RED), upper), jpeg_image(picture(BLUE), lower)]
    document = decode(to_pdf([PdfPage(lines, images)]))
    first, second = (document.text[figure.start_char :] for figure in document.figures)
    assert first.startswith("Galaxies")
    assert second.startswith("Food")


def test_small_and_repeated_images_are_no_figures() -> None:
    logo, icon, rule = picture(RED), picture(BLUE, (40, 40)), picture(GREEN, (900, 8))
    page = PdfPage([(9, 9, "x")], [raw_image(logo), raw_image(icon), raw_image(rule)])
    figures = decode(to_pdf([page, page])).figures
    assert [(figure.page, colours(figure)[1]) for figure in figures] == [(1, RED)]


def test_figures_over_the_limit_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    images = [raw_image(picture((shade, 0, 0))) for shade in range(0, 250, 50)]
    content = to_pdf([PdfPage([(9, 9, "x")], images)])
    with caplog.at_level(logging.WARNING):
        assert len(decode(content, Limits(max_figures=2)).figures) == 2
        assert len(decode(content, Limits(max_unpacked_bytes=500)).figures) in range(1, 4)
    assert caplog.messages[0] == f"{URI}: 3 images left out, beyond 2 figures"
    assert caplog.messages[1].endswith("beyond 500 bytes of figures")


def test_figures_are_collected_only_when_asked_for() -> None:
    content = to_pdf([PdfPage([(100, 700, "Text.")], [raw_image(picture())])])
    assert decode(content, figures=False).figures == ()


def test_a_scan_is_its_pages() -> None:
    pages = [
        PdfPage(images=[jpeg_image(picture(colour, (300, 400)), "612 0 0 792 0 0")])
        for colour in (RED, BLUE)
    ]
    document = decode(to_pdf(pages))
    assert document.text.strip() == ""
    assert document.language is None
    assert [figure.page for figure in document.figures] == [1, 2]
    with pytest.raises(DecodeError, match="OCR is no part of this"):
        decode(to_pdf(pages), figures=False)
    with pytest.raises(DecodeError, match="OCR is no part of this"):
        decode(to_pdf([PdfPage()]))


def test_a_scan_in_strips_is_one_figure() -> None:
    strips = [
        jpeg_image(picture(colour, (300, 100)), f"612 0 0 264 0 {y}")
        for colour, y in ((RED, 528), (GREEN, 264), (BLUE, 0))
    ]
    (figure,) = decode(to_pdf([PdfPage(images=strips)])).figures
    size, first, last = colours(figure)
    assert size == (1275, 1651)
    assert first[0] > 180
    assert last[2] > 180


def test_an_image_stretched_to_a_line_takes_no_more_memory_than_it_has() -> None:
    image = raw_image(picture(), "6000000 0 0 0.01 0 0")
    (figure,) = decode(to_pdf([PdfPage([(9, 9, "x")], [image])])).figures
    assert colours(figure) == ((120, 80), RED, RED)


def test_a_large_image_is_rendered_at_four_megapixels() -> None:
    image = raw_image(two_colours().resize((3600, 2400)), "300 0 0 200 100 100")
    (figure,) = decode(to_pdf([PdfPage([(9, 9, "x")], [image])])).figures
    (width, height), first, last = colours(figure)
    assert 3_990_000 < width * height < 4_010_000
    assert (first, last) == (RED, BLUE)


def test_a_broken_image_costs_itself(caplog: pytest.LogCaptureFixture) -> None:
    sound = jpeg_image(picture())
    broken = jpeg_image(picture(BLUE))
    content = to_pdf([PdfPage([(9, 9, "x")], [sound, broken])])
    content = content.replace(broken.stream, bytes(len(broken.stream)))
    with caplog.at_level(logging.WARNING):
        document = decode(content)
    assert [figure.content for figure in document.figures] == [sound.stream]
    assert document.text == "x"


def test_bookmarks_are_headings_and_the_catalog_says_the_language() -> None:
    bookmarks = (
        b"/Lang (de-AT) /Outlines << /First << /Title (Birds) /Dest [4 0 R /Fit] "
        b"/First << /Title (The heron) /Dest [5 0 R /Fit] >> "
        b"/Next << /Title (Not in the text) /Dest [6 0 R /Fit] >> >> >>"
    )
    pages = [
        PdfPage([(100, 700, "Birds")]),
        PdfPage([(100, 700, "It is a bird."), (100, 600, "The heron"), (100, 500, "It waits.")]),
        PdfPage([(100, 700, "An end.")]),
    ]
    info = b"/CreationDate (D:20240305101112+01'00')"
    document = decode(to_pdf(pages, catalog=bookmarks, info=info))
    assert document.language == "de-AT"
    assert document.created_at == "2024-03-05T10:11:12+01:00"
    assert document.headings == (
        Heading(0, 1, "Birds"),
        Heading(document.text.index("The heron"), 2, "The heron"),
        Heading(document.page_starts[2], 1, "Not in the text"),
    )
    assert headings_at(document, document.text.index("It is")) == ("Birds",)
    assert headings_at(document, document.text.index("waits")) == ("Birds", "The heron")


def test_what_a_tagged_pdf_says_of_an_image_is_its_alt_text() -> None:
    content = to_pdf(
        [PdfPage([(9, 9, "x")], [jpeg_image(picture())], b"/StructParents 0")],
        catalog=b"/MarkInfo << /Marked true >> /StructTreeRoot 99 0 R",
    )
    # The mark goes around the drawing of the image: as many bytes as were there before.
    plain = b"q 150 0 0 100 100 500 cm /I0 Do Q"
    marked = b"/F<</MCID 0>>BDC " + plain + b" EMC"
    tree = (
        b"99 0 obj\n<< /Type /StructTreeRoot /K 98 0 R /ParentTree << /Nums [0 [98 0 R]] >> >>\n"
        b"endobj\n98 0 obj\n<< /Type /StructElem /S /Figure /P 99 0 R /Pg 4 0 R /K 0 "
        b"/Alt (A heron in red) >>\nendobj\n"
    )
    length = content.index(b"\nendstream", content.index(plain)) - content.index(plain)
    content = content.replace(
        b"/Length %d >>\nstream\nq" % length,
        b"/Length %d >>\nstream\nq" % (length + len(marked) - len(plain)),
    ).replace(plain, marked)
    body, _, trailer = content.partition(b"xref\n")
    content = body + tree + b"trailer" + trailer.partition(b"trailer")[2]
    (figure,) = decode(content).figures
    assert figure.alt_text == "A heron in red"


def test_the_image_of_a_pdf_by_pillow_is_found() -> None:
    content = to_file(picture(GREEN, (400, 300)), "PDF")
    (figure,) = decode(content).figures
    size, first, _ = colours(figure)
    assert size == (400, 300)
    assert first[1] > first[0]
