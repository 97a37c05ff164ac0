"""Headings' paths, dates and languages, whatever the kind of document."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode.dates import to_iso_date, to_iso_pdf_date
from ingest.decode.language import detect_language, to_language_tag
from ingest.decode.limits import Limits
from ingest.decode.text import DecodedText, Figure, Heading, decode_text, headings_at
from tests.hostile_documents import FRENCH, PROSE

GERMAN = "Der Reiher steht im flachen Wasser und wartet auf einen Fisch; er bewegt sich gar nicht. "
JAPANESE = "鷺は浅い水の中に立ち、魚を待つ。"


def test_the_path_of_a_place_is_the_headings_it_stands_under() -> None:
    levels = [(0, 2, "a"), (10, 1, "b"), (20, 3, "c"), (30, 2, "d"), (40, 3, "e"), (50, 1, "f")]
    document = DecodedText("x" * 60, headings=tuple(Heading(*level) for level in levels))
    paths = {position: headings_at(document, position) for position in range(0, 60, 5)}
    one: list[tuple[str, ...]] = [("a",), ("b",), ("b", "c"), ("b", "d"), ("b", "d", "e"), ("f",)]
    expected = [path for path in one for _ in range(2)]
    assert list(paths.values()) == expected
    assert headings_at(DecodedText("x"), 0) == ()


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 6))), st.integers(0, 120))
def test_a_path_descends_and_ends_with_the_last_heading(
    places: list[tuple[int, int]], position: int
) -> None:
    headings = tuple(Heading(at, level, f"{level}") for at, level in sorted(places))
    path = headings_at(DecodedText("x" * 100, headings=headings), position)
    assert list(path) == sorted(set(path))
    passed = [heading for heading in headings if heading.start_char <= position]
    assert path[-1:] == tuple(heading.text for heading in passed[-1:])


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024", "2024"),
        ("2024-3", "2024-03"),
        (' "2024-03-05" ', "2024-03-05"),
        ("2024-03-05T10:11:12.345Z", "2024-03-05T10:11:12Z"),
        ("2024-03-05 10:11:12 +0100", "2024-03-05T10:11:12+01:00"),
        ("2024-03-05T9:11", "2024-03-05T09:11"),
        ("2024-03-05 10:11:12 UTC", "2024-03-05T10:11:12Z"),
        ("2024-03-05 # a comment", "2024-03-05"),
        ("2024-02-30", None),
        ("2024-13", None),
        ("2024-03-05T25:00", None),
        ("0000-01-01", None),
        ("20240305", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_dates_are_as_precise_as_they_are_said(text: str | None, iso: str | None) -> None:
    assert to_iso_date(text) == iso


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("D:20240305101112+01'00'", "2024-03-05T10:11:12+01:00"),
        ("D:20240305101112+01'00", "2024-03-05T10:11:12+01:00"),
        ("D:20240305101112Z", "2024-03-05T10:11:12Z"),
        ("D:20240305101112Z00'00'", "2024-03-05T10:11:12Z"),
        ("20240305", "2024-03-05"),
        ("D:2024", "2024"),
        ("D:202403051011", "2024-03-05T10:11:00"),
        ("D:20241305", None),
        ("5 March 2024", None),
        ("", None),
    ],
)
def test_dates_of_pdfs(text: str, iso: str | None) -> None:
    assert to_iso_pdf_date(text) == iso


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    for iso in (to_iso_date(text), to_iso_pdf_date(text)):
        assert iso is None or to_iso_date(iso) == iso


@pytest.mark.parametrize(
    ("declared", "tag"),
    [
        ("EN", "en"),
        ("pt_br", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-DE-1996", "de-DE"),
        ("ast", "ast"),
        *[(unsaid, None) for unsaid in ("", "und", "english", "x-klingon", "0", None)],
    ],
)
def test_languages_are_written_as_bcp_47(declared: str | None, tag: str | None) -> None:
    assert to_language_tag(declared) == tag


def test_the_language_of_plain_text_is_told_by_its_words() -> None:
    texts = {"en": PROSE * 2, "fr": FRENCH * 2, "de": GERMAN * 2, "ja": JAPANESE * 3}
    for language, text in texts.items():
        document = decode_text(text.encode(), "u", "text/plain", limits=Limits())
        assert document.language == language


@pytest.mark.parametrize(
    "text",
    ["", PROSE[:60], "1 2 3 " * 30, "def f(x): return x+1 " * 10, "x" * 3_000, JAPANESE],
)
def test_no_language_is_guessed(text: str) -> None:
    assert detect_language(text) is None


def test_languages_are_told_in_several_threads() -> None:
    texts = [PROSE * 2, FRENCH * 2, GERMAN * 2, JAPANESE * 3] * 50
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detect_language, texts)) == ["en", "fr", "de", "ja"] * 50


def test_a_declared_language_is_not_doubted() -> None:
    page = f"<html lang='fr'><p>{PROSE * 3}</p></html>"
    assert decode_text(page.encode(), "u", "text/html", limits=Limits()).language == "fr"


def test_a_figure_is_a_value() -> None:
    assert Figure(b"x", "image/png") == Figure(b"x", "image/png", location=None)
