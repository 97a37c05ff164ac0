"""The sentence that matched, by the encoder itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingest.store.collections import resolve_collection
from search.searcher import Searcher
from search.sentences import to_sentences
from tests.search.corpus import to_text_chunks, to_text_points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine
    from tests.legible import LegibleEncoder

TEXT = "A blue sea.  A red\nrose! Black ink, Dr. Green says."


@pytest.fixture
def searcher(engine: Engine, encoder: LegibleEncoder) -> Iterator[Searcher]:
    collection = resolve_collection(engine, "colours")
    chunks = to_text_chunks("three.txt", TEXT, start_char=100, end_char=100 + len(TEXT))
    engine.upsert(collection.name, to_text_points(encoder, chunks))
    with Searcher(engine, collection, encoder) as searcher:
        yield searcher


def test_the_nearest_sentence_says_where_it_stands(searcher: Searcher) -> None:
    hits = searcher.search("red", target="text", highlights=True, where={"source_uri": THREE}).hits
    found = hits[0].highlight
    assert found is not None
    assert found.text == "A red rose!"
    assert found.score == pytest.approx(1.0, abs=1e-6)
    assert TEXT[found.start : found.end] == "A red\nrose!"
    assert (found.start_char, found.end_char) == (100 + found.start, 100 + found.end)


def test_a_photograph_has_a_nearest_sentence_too(
    searcher: Searcher, photographs: dict[str, Path]
) -> None:
    hits = searcher.search(
        photographs["blue"], target="text", highlights=True, where={"source_uri": THREE}
    ).hits
    assert hits[0].highlight is not None
    assert hits[0].highlight.text == "A blue sea."


def test_images_have_none_and_nobody_else_unless_asked(searcher: Searcher) -> None:
    for hit in searcher.search("red", target="any", highlights=True, top_k=20).hits:
        assert (hit.highlight is None) == (hit.modality == "image")
    assert all(hit.highlight is None for hit in searcher.search("red", top_k=20).hits)


def test_several_passages_have_one_each(searcher: Searcher) -> None:
    hit = searcher.search("magenta", target="text", passages=2, highlights=True, top_k=1).hits[0]
    assert [one.highlight.text for one in hit.passages if one.highlight] == [
        one.snippet for one in hit.passages
    ]


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        ("One. Two!  Three?", "en", ["One.", "Two!", "Three?"]),
        (
            "Mr. Smith paid 3.50 dollars. He left.",
            "en",
            ["Mr. Smith paid 3.50 dollars.", "He left."],
        ),
        ("今日は晴れ。明日は雨。", "ja", ["今日は晴れ。", "明日は雨。"]),
        ("Das ist z.B. so. Ja.", "de", ["Das ist z.B. so.", "Ja."]),
        ("no full stop", None, ["no full stop"]),
        ("***", None, ["***"]),
        ("  \n ", None, []),
    ],
)
def test_sentences_end_where_readers_end_them(
    text: str, language: str | None, sentences: list[str]
) -> None:
    assert [text[start:end] for start, end in to_sentences(text, language)] == sentences


THREE = "folder://root/three.txt"
