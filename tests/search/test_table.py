from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.query import Highlight, Hit, Page, Passage, Target
from schemas.records import Modality, Part
from search.table import to_place, to_printable, to_table

if TYPE_CHECKING:
    import pytest

IMAGE = Hit(
    rank=1,
    score=0.51234,
    point_id="1",
    source_uri="folder://root/cat.png",
    location="/photos/cat.png",
    modality=Modality.IMAGE,
    media_type="image/png",
    width_pixels=640,
    height_pixels=480,
)
TEXT = Hit(
    rank=2,
    score=-0.25,
    point_id="2",
    source_uri="folder://root/cats.pdf",
    location="/papers/cats.pdf",
    modality=Modality.TEXT,
    media_type="application/pdf",
    title="On cats",
    snippet="A cat is a small animal.",
    page=3,
    chunk_ordinal=4,
    chunk_count=9,
)


def to_page(*hits: Hit) -> Page:
    return Page(hits, Target.ANY, "legible-1", "photos__g001", took_seconds=0.0123)


def test_a_row_has_rank_score_what_where_title_and_extent() -> None:
    assert to_table(to_page(IMAGE, TEXT), width=80) == (
        "  1   0.512  image  /photos/cat.png            640 x 480\n"
        "  2  -0.250  text   /papers/cats.pdf  On cats  page 3\n"
        "      A cat is a small animal.\n"
        "\n"
        "2 hits in photos__g001 (legible-1, 12 ms)"
    )


def test_a_text_without_pages_says_which_part() -> None:
    assert "part 5 of 9" in to_table(to_page(replace(TEXT, page=None)))
    assert "part" not in to_table(to_page(replace(TEXT, page=None, chunk_ordinal=0, chunk_count=1)))


def test_a_caption_is_called_one() -> None:
    caption = replace(TEXT, page=None, part=Part.CAPTION, location="/photos/cat.png", title=None)
    assert to_table(to_page(caption)).splitlines()[0].split() == [
        *("2", "-0.250", "text", "/photos/cat.png", "caption")
    ]


def test_a_figure_shows_its_page_and_its_words() -> None:
    figure = replace(IMAGE, part=Part.FIGURE, location="/papers/cats.pdf", page=3, snippet="A cat.")
    head, words, *_ = to_table(to_page(figure)).splitlines()
    assert head.endswith("/papers/cats.pdf  page 3, 640 x 480")
    assert words == "      A cat."


def test_a_figure_without_words_shows_what_it_stands_under() -> None:
    figure = replace(IMAGE, part=Part.FIGURE, headings=("Pets", "Cats"))
    assert "      under Pets / Cats\n" in to_table(to_page(figure))
    assert "under" not in to_table(to_page(replace(figure, snippet="A cat.")))


def test_a_frame_shows_its_number() -> None:
    assert "frame 4, 640 x 480" in to_table(to_page(replace(IMAGE, frame=4)))


def test_snippets_are_wrapped_to_the_terminal() -> None:
    table = to_table(to_page(replace(TEXT, snippet="word " * 40)), width=60)
    assert max(map(len, table.splitlines())) <= 60


def test_no_hits_is_said() -> None:
    assert to_table(to_page()).startswith("No hits in photos__g001")


def test_one_hit_is_one_hit() -> None:
    assert to_table(to_page(IMAGE)).endswith("1 hit in photos__g001 (legible-1, 12 ms)")


def test_nothing_reaches_the_terminal_that_it_would_obey() -> None:
    hostile = replace(
        TEXT, location="/a/\x1b[31m\n.png", title="\x07 \udcff", snippet="\x1b]0;title\x07 text"
    )
    table = to_table(to_page(hostile))
    assert all(line.isprintable() for line in table.splitlines())
    assert to_printable("Zürich 日本") == "Zürich 日本"


def test_a_path_below_the_working_directory_is_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert to_place(str(tmp_path / "sub" / "cat.png")) == str(Path("sub", "cat.png"))
    assert to_place("/elsewhere/cat.png") == "/elsewhere/cat.png"


def test_a_url_is_shown_as_it_is() -> None:
    assert to_place("s3://bucket/photos/cat.png") == "s3://bucket/photos/cat.png"


def test_one_very_long_name_does_not_widen_the_other_rows() -> None:
    long = replace(TEXT, location="/papers/" + "x" * 250 + ".pdf", snippet=None)
    first, second = to_table(to_page(IMAGE, long), width=80).splitlines()[:2]
    assert len(first) <= 80
    assert "x" * 250 + ".pdf" in second


def test_percentiles_explanations_and_passages_have_their_lines() -> None:
    explained: dict[str, Any] = {
        "direction": "text->image",
        "cosine": 0.5,
        "parts": [{"modality": "text", "weight": 1.0, "text": "red", "cosine": 0.5}],
    }
    hit = replace(
        IMAGE,
        percentile=99.99,
        explanation=explained,
        passages=(Passage(0.5, "a", "first"), Passage(0.25, "b", "second")),
    )
    page = Page((hit,), Target.IMAGE, "model", "notes__g001", 0.01, next_cursor="WyJh")
    lines = to_table(page).splitlines()
    assert "99.9%" in lines[0]
    assert "      0.250  second" in lines
    assert "      direction text->image, cosine 0.5000" in lines
    assert "        modality text, weight 1.0000, text red, cosine 0.5000" in lines
    assert "there is more" in lines[-1]


def test_best_sentences_stand_below_their_passages() -> None:
    best = Highlight("A cat is small.", 0.5, 0, 15)
    further = Passage(0.4, "3", "Cats sleep.", highlight=replace(best, text="Cats sleep."))
    hit = replace(TEXT, highlight=best, passages=(Passage(0.5, "2"), further))
    assert to_table(to_page(hit)).splitlines()[1:5] == [
        "      A cat is a small animal.",
        "      > 0.500  A cat is small.",
        "      0.400  Cats sleep.",
        "      > 0.500  Cats sleep.",
    ]


def test_the_first_of_what_a_hit_stands_for_are_named() -> None:
    uris = tuple(f"folder://root/{number}.png" for number in range(5))
    hit = replace(IMAGE, duplicates=uris, duplicate_count=2_000)
    assert to_table(to_page(hit)).splitlines()[1:6] == [
        "      and 2,000 like it:",
        "      = folder://root/0.png",
        "      = folder://root/1.png",
        "      = folder://root/2.png",
        "      = 1,997 more",
    ]
    alone = replace(IMAGE, duplicate_count=0)
    assert to_table(to_page(alone)) == to_table(to_page(IMAGE))
