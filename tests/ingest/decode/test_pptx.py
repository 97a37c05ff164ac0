from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.packages import PPTX
from ingest.decode.text import DecodedText, decode_text, headings_at
from schemas.errors import SourceTooLarge
from tests.documents import BLUE, RED, picture, to_file

LIMITS = Limits()
URI = "folder://r/a.pptx"
INCH = Inches(1)


def blank() -> Any:
    return pptx.Presentation()


def decode(presentation: Any, limits: Limits = LIMITS) -> DecodedText:
    buffer = BytesIO()
    presentation.save(buffer)
    return decode_text(buffer.getvalue(), URI, PPTX, limits=limits, figures=True)


def add_slide(presentation: Any, title: str = "", layout: int = 5) -> Any:
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if slide.shapes.title is not None:
        slide.shapes.title.text = title
    return slide


def add_picture(slide: Any, colour: tuple[int, int, int], alt_text: str = "") -> None:
    shape = slide.shapes.add_picture(BytesIO(to_file(picture(colour))), INCH, INCH)
    shape._element.nvPicPr.cNvPr.set("descr", alt_text)


def test_slides_are_pages_with_their_titles_as_headings() -> None:
    presentation = blank()
    presentation.core_properties.title = ""
    first = add_slide(presentation, "Herons", layout=1)
    first.placeholders[1].text = "They wait.\nThey stand."
    add_slide(presentation, layout=6)  # blank
    second = add_slide(presentation, "In numbers")
    table = second.shapes.add_table(2, 2, INCH, INCH, INCH, INCH).table
    for row, texts in enumerate((("bird", "legs"), ("heron", "two"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, INCH, INCH).text_frame.text = "in a group"
    second.notes_slide.notes_text_frame.text = "Say it slowly."
    decoded = decode(presentation)
    assert decoded.text.split("\n\n") == [
        "Herons",
        "They wait.\nThey stand.",
        "In numbers",
        "bird\tlegs\nheron\ttwo",
        "in a group",
        "Say it slowly.",
    ]
    third = decoded.text.index("In numbers")
    assert decoded.page_starts == (0, third, third)
    assert decoded.title == "Herons"
    assert headings_at(decoded, decoded.text.index("slowly")) == ("In numbers",)


def test_blank_slides_at_the_end_begin_within_the_text() -> None:
    presentation = blank()
    add_slide(presentation, "Only")
    add_slide(presentation, layout=6)
    assert decode(presentation).page_starts == (0, 4)


def test_what_is_said_of_the_presentation() -> None:
    presentation = blank()
    presentation.core_properties.title = "Herons in spring"
    presentation.core_properties.language = "en-gb"
    presentation.core_properties.created = datetime(2024, 3, 5, 10, 11, 12, tzinfo=UTC)
    add_slide(presentation, "Other")
    decoded = decode(presentation)
    assert (decoded.title, decoded.language) == ("Herons in spring", "en-GB")
    assert decoded.created_at == "2024-03-05T10:11:12Z"


def test_pictures_know_their_slide_and_a_logo_is_there_once() -> None:
    presentation = blank()
    for number, colour in enumerate((RED, BLUE), start=1):
        slide = add_slide(presentation, f"Slide {number}")
        add_picture(slide, (0, 0, 0), "The logo")
        group = slide.shapes.add_group_shape()
        shape = group.shapes.add_picture(BytesIO(to_file(picture(colour), "JPEG")), INCH, INCH)
        shape._element.nvPicPr.cNvPr.set("descr", f"Picture {number}")
    decoded = decode(presentation)
    assert [(figure.page, figure.alt_text, figure.media_type) for figure in decoded.figures] == [
        (1, "The logo", "image/png"),
        (1, "Picture 1", "image/jpeg"),
        (2, "Picture 2", "image/jpeg"),
    ]
    last = decoded.figures[-1]
    image = decode_image(last.content, "f", limits=LIMITS, side_pixels=224)
    assert (image.width_pixels, image.height_pixels) == (120, 80)
    assert headings_at(decoded, last.start_char or 0) == ("Slide 2",)


def test_a_presentation_of_pictures_alone_is_readable() -> None:
    presentation = blank()
    add_picture(add_slide(presentation, layout=6), RED, "A heron")
    decoded = decode(presentation)
    assert decoded.text == ""
    assert [figure.alt_text for figure in decoded.figures] == ["A heron"]


def test_the_title_of_a_chart_is_read() -> None:
    presentation = blank()
    slide = add_slide(presentation, "Numbers")
    numbers: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    numbers.categories = ["a", "b"]
    numbers.add_series("Series", (1, 2))
    frame = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, INCH, INCH, INCH, INCH, numbers)
    frame.chart.has_title = True
    frame.chart.chart_title.text_frame.text = "Herons a year"
    assert decode(presentation).text == "Numbers\n\nHerons a year"


def test_too_many_slides_are_refused() -> None:
    presentation = blank()
    for _ in range(3):
        add_slide(presentation, "x")
    with pytest.raises(SourceTooLarge, match="3 slides, over the limit of 2"):
        decode(presentation, Limits(max_pages=2))
