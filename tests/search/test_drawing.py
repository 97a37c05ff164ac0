from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from search.drawing import (
    MISSING,
    fit_inside,
    fit_line,
    fit_name,
    load_font,
    to_drawable,
    wrap_lines,
)

FONT = load_font(14)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("plain", "plain"),
        ("Zürich, façade, ½", f"Zurich, facade, 1{MISSING}2"),
        ("tab\tnew\nline\x1b", "tab new line "),
        ("“quoted” … ±", "“quoted” … ±"),
        ("日本", MISSING * 2),
        ("\ud800", MISSING),
    ],
)
def test_text_is_drawn_with_the_glyphs_that_there_are(text: str, drawn: str) -> None:
    assert to_drawable(text) == drawn.replace(f"1{MISSING}2", to_drawable("½"))


def test_a_name_keeps_both_ends_and_a_line_its_beginning() -> None:
    name = "a-very-long-name-of-a-photograph-from-2024.jpeg"
    assert fit_name(name, FONT, 10_000) == fit_line(name, FONT, 10_000) == name
    assert fit_name(name, FONT, 150).startswith("a-very")
    assert fit_name(name, FONT, 150).endswith("2024.jpeg")
    assert fit_line(name, FONT, 150).startswith("a-very")
    assert fit_line(name, FONT, 150).endswith("…")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.integers(30, 300), st.integers(1, 4))
def test_wrapped_lines_fit(text: str, width_pixels: int, most_lines: int) -> None:
    lines = wrap_lines(text, FONT, width_pixels, most_lines)
    assert len(lines) <= most_lines
    assert all(FONT.getlength(line) <= width_pixels for line in lines)


def test_lines_that_are_left_out_leave_an_ellipsis() -> None:
    assert wrap_lines("one two three", FONT, 1000, 2) == ["one two three"]
    assert wrap_lines("one two three", FONT, 60, 3) == ["one two", "three"]
    assert wrap_lines("one two three", FONT, 40, 2)[-1].endswith("…")
    assert wrap_lines(" ", FONT, 40, 2) == []


@pytest.mark.parametrize(
    ("size", "fitted"), [((400, 300), (100, 75)), ((30, 60), (40, 80)), ((1, 9000), (1, 80))]
)
def test_an_image_fits_its_box_whole(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fit_inside(Image.new("RGB", size), (100, 80)).size == fitted
