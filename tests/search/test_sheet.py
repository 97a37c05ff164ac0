"""Contact sheets, looked at through their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops

from schemas.errors import QueryError
from schemas.query import Hit, Page, Query, Target
from schemas.records import Modality, Part
from search.sheet import MOST_HITS, draw_sheets, write_sheet, write_sheets

if TYPE_CHECKING:
    from pathlib import Path

RED, GREEN = (255, 0, 0), (0, 160, 0)


def to_hit(rank: int, location: Path | str, modality: Modality, **fields: Any) -> Hit:
    return Hit(
        rank=rank,
        score=0.5,
        point_id=str(rank),
        source_uri=f"folder://root/{rank}",
        location=str(location),
        modality=modality,
        media_type="image/png",
        **fields,
    )


def to_page(*hits: Hit) -> Page:
    return Page(hits, Target.ANY, "legible-1", "photos__g001", took_seconds=0.01)


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "red.png", tmp_path / "green.png"]
    for path, colour in zip(paths, (RED, GREEN), strict=True):
        Image.new("RGB", (120, 90), colour).save(path)
    return paths


@pytest.fixture
def page(photographs: list[Path]) -> Page:
    red, green = photographs
    return to_page(
        to_hit(1, red, Modality.IMAGE, width_pixels=120, height_pixels=90),
        to_hit(2, "/docs/a.txt", Modality.TEXT, title="A title", snippet="Words of a passage."),
        to_hit(3, green, Modality.IMAGE),
    )


def count_pixels(image: Image.Image, colour: tuple[int, int, int]) -> int:
    solid = Image.new("RGB", image.size, colour)
    apart = ImageChops.difference(image, solid).convert("L").histogram()
    return int(apart[0])


def differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


def test_the_picture_holds_every_photograph_at_its_place(tmp_path: Path, page: Page) -> None:
    path = tmp_path / "sheet.png"
    write_sheet(page, "red and green", path)
    with Image.open(path) as sheet:
        assert sheet.size[0] == 1280
        assert count_pixels(sheet.crop((0, 0, 300, sheet.height)), RED) > 20_000
        assert count_pixels(sheet.crop((500, 0, 800, sheet.height)), GREEN) > 20_000
        assert count_pixels(sheet.crop((270, 0, 500, sheet.height)), RED) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["green.png", "red.png", "sheet.png"]


def test_the_query_photograph_stands_on_top(page: Page, photographs: list[Path]) -> None:
    words = draw_sheets([(Query(text="green"), page)])
    pictured = draw_sheets([(photographs[1], page)])
    assert count_pixels(pictured, GREEN) > count_pixels(words, GREEN) + 20_000


def test_answers_stand_below_each_other(page: Page) -> None:
    one, two = draw_sheets([("red", page)]), draw_sheets([("red", page), ("green", page)])
    assert two.height > one.height * 1.8
    assert count_pixels(two, RED) == 2 * count_pixels(one, RED)
    assert draw_sheets([]).height > 0


def test_query_title_snippet_and_score_are_drawn(page: Page) -> None:
    drawn = draw_sheets([("red", page)])
    assert not differ(drawn, draw_sheets([("red", page)]))
    _, text, _ = page.hits
    for other in (
        to_hit(2, "/docs/a.txt", Modality.TEXT, title="Another", snippet="Words of a passage."),
        to_hit(2, "/docs/a.txt", Modality.TEXT, title="A title", snippet="Others."),
        to_hit(2, "/docs/b.txt", Modality.TEXT, title=text.title, snippet=text.snippet),
        to_hit(4, "/docs/a.txt", Modality.TEXT, title=text.title, snippet=text.snippet),
    ):
        assert differ(drawn, draw_sheets([("red", to_page(page.hits[0], other, page.hits[2]))]))
    assert differ(drawn, draw_sheets([("blue", page)]))


def test_a_photograph_that_is_gone_or_broken_is_drawn_as_such(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    gone, damaged = (
        draw_sheets([("x", to_page(to_hit(1, path, Modality.IMAGE)))])
        for path in (tmp_path / "gone.png", broken)
    )
    assert differ(gone, damaged)
    assert count_pixels(gone, (163, 67, 43)) > 100


def test_an_image_without_a_file_of_its_own_shows_its_words(tmp_path: Path) -> None:
    document = tmp_path / "cats.pdf"
    document.write_bytes(b"%PDF-1.4")
    for location, part in (
        (document, Part.FIGURE),
        (tmp_path / "pets.tar#1.png", Part.CONTENT),
        ("s3://bucket/cat.png", Part.CONTENT),
    ):
        bare, worded = (
            draw_sheets([("x", to_page(to_hit(1, location, Modality.IMAGE, part=part, **words)))])
            for words in ({}, {"snippet": "Words of a caption."})
        )
        assert differ(bare, worded)
        assert count_pixels(worded, (253, 248, 231)) > 10_000  # paper, not the mount of a picture


@pytest.mark.parametrize(
    "words", ["Zürich 日本 \u202eabc \x00\x1b[31m", "x" * 5000, "\ud800", "🎉", "a\n\nb"]
)
def test_no_text_stops_a_sheet(words: str) -> None:
    hit = to_hit(1, f"/docs/{words}", Modality.TEXT, title=words, snippet=words, page=2)
    assert draw_sheets([(words, to_page(hit))]).width == 1280


def test_a_sheet_without_hits_still_says_what_was_asked() -> None:
    assert differ(draw_sheets([("red", to_page())]), draw_sheets([("blue", to_page())]))


def test_a_very_long_answer_is_drawn_in_part() -> None:
    hits = [to_hit(n, "/docs/a.txt", Modality.TEXT) for n in range(1, MOST_HITS + 6)]
    drawn = draw_sheets([("x", to_page(*hits))])
    assert drawn.height == draw_sheets([("x", to_page(*hits[:MOST_HITS]))]).height


def test_an_existing_sheet_is_replaced(tmp_path: Path, page: Page) -> None:
    path = tmp_path / "sheet.jpg"
    path.write_bytes(b"old")
    write_sheets([("red", page)], path)
    with Image.open(path) as sheet:
        assert sheet.format == "JPEG"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, page: Page) -> None:
    with pytest.raises(QueryError, match=r"sheet\.txt does not end like a picture"):
        write_sheet(page, "red", tmp_path / "sheet.txt")
    with pytest.raises(QueryError, match=r"cannot be written: there is no folder .*nowhere"):
        write_sheet(page, "red", tmp_path / "nowhere" / "sheet.png")
    tall = [("red", to_page())] * 150  # over 16,383 pixels, the most that WebP holds
    with pytest.raises(QueryError, match="cannot be written"):
        write_sheets(tall, tmp_path / "tall.webp")
    assert not list(tmp_path.glob(".*"))
