"""What a hit looks like: names, sizes, marks, wording."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="needs the extra server")

from schemas.query import Highlight, Hit
from schemas.records import Modality
from search.server.page.cards import to_card, to_file_name, to_size, to_type_name
from search.server.page.marks import mark_sentence, mark_words, to_paragraphs
from search.server.page.wording import to_bytes, to_day


def hit(modality: Modality, **fields: object) -> Hit:
    plain = {
        "rank": 1,
        "score": 0.5,
        "point_id": "a",
        "source_uri": "folder://root/deep/two%20words.jpg",
        "location": "",
        "media_type": "image/jpeg",
        "modality": modality,
    }
    return Hit(**{**plain, **fields})  # type: ignore[arg-type]


def marked(pieces: object) -> list[str]:
    return [one.text for one in pieces if one.is_marked]  # type: ignore[attr-defined]


@given(st.text(max_size=80), st.text(max_size=40))
def test_marks_lose_nothing(passage: str, query: str) -> None:
    assert "".join(one.text for one in mark_words(passage, query)) == passage
    assert "".join(one.text for one in mark_sentence(passage, query)) == passage


def test_words_are_marked_in_their_plain_forms() -> None:
    passage = "Cakes, a caked CAKE, and a cat in the category."
    assert marked(mark_words(passage, "the cake cat")) == ["Cakes", "caked", "CAKE", "cat"]


def test_a_sentence_is_marked_as_far_as_it_is_shown() -> None:
    assert marked(mark_sentence("… One two. Three", "One two.")) == ["One two."]
    cut = "Boil the water until…"
    assert marked(mark_sentence(cut, "Boil the water until it sings.")) == ["Boil the water until"]
    assert marked(mark_sentence("One two.", "Four.")) == []


def test_a_text_is_shown_by_its_blank_lines_without_its_title() -> None:
    text = "Soup\n\nBoil the water.\nAdd salt.\n\n\nServe the soup hot.\n"
    found = to_paragraphs(text, "soup", title="Soup")
    assert ["".join(one.text for one in part) for part in found] == [
        "Boil the water.\nAdd salt.",
        "Serve the soup hot.\n",
    ]
    assert [marked(part) for part in found] == [[], ["soup"]]


def test_a_sentence_is_marked_in_the_paragraph_that_has_it() -> None:
    text = "Soup\n\nBoil the water. Add salt.\n\nServe the soup."
    start = text.index("Add")
    found = to_paragraphs(text, "soup", title="Soup", sentence=(start, start + 9))
    assert [marked(part) for part in found] == [["Add salt."], []]
    found = to_paragraphs(text, "soup", title="Soup", sentence=(0, 4))
    assert [marked(part) for part in found] == [[], ["soup"]]


def test_a_title_is_not_repeated_in_the_passage() -> None:
    card = to_card(hit(Modality.TEXT, title="Soup", snippet="Soup Boil water."), "water")
    assert [one.text for one in card.pieces] == ["Boil ", "water", "."]


def test_a_title_that_begins_a_sentence_stays() -> None:
    card = to_card(hit(Modality.TEXT, title="Miso", snippet="Miso is a paste."))
    assert [one.text for one in card.pieces] == ["Miso is a paste."]


def test_where_the_title_matched_best_words_are_marked() -> None:
    best = Highlight("Soup", 0.5, 0, 4)
    snippet = "Soup Boil water."
    card = to_card(hit(Modality.TEXT, title="Soup", snippet=snippet, highlight=best), "water")
    assert marked(card.pieces) == ["water"]


def test_the_best_sentence_goes_before_words() -> None:
    best = Highlight("Boil water.", 0.5, 0, 11)
    card = to_card(hit(Modality.TEXT, snippet="Boil water. Add salt.", highlight=best), "salt")
    assert marked(card.pieces) == ["Boil water."]


def test_an_image_is_named_by_what_is_known_of_it() -> None:
    assert to_card(hit(Modality.IMAGE)).title == "two words.jpg"
    card = to_card(hit(Modality.IMAGE, caption="A cat\nsleeps", alt_text="cat"))
    assert (card.title, card.alt) == ("A cat sleeps", "cat")
    assert to_file_name("https://example.org/") == "https://example.org/"


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(4000, 3000, (384, 288)), (100, 50, (100, 50)), (9000, 2, (384, 1)), (None, 3, (384, 384))],
)
def test_sizes_of_thumbnails(width: int | None, height: int, size: tuple[int, int]) -> None:
    assert to_size(width, height) == size


def test_wording() -> None:
    assert to_type_name("application/pdf") == "PDF"
    assert to_type_name("image/webp") == "WEBP"
    assert [to_bytes(one) for one in (0, 999, 1_234, 2_500_000)] == [
        "0 bytes",
        "999 bytes",
        "1 kB",
        "2.5 MB",
    ]
    assert to_day("2024-05-31T14:05:00+00:00") == "31 May 2024, 14:05 UTC"
    assert to_day("2024-05-31T14:05:00") == "31 May 2024, 14:05"
    assert to_day("2024-05-31T00:00:00") == to_day("2024-05-31") == "31 May 2024"
    assert to_day("long ago") == "long ago"
