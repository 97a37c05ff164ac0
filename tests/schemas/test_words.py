"""Terms and their weights: the half of BM25 that lies with a point."""

from __future__ import annotations

import math
import unicodedata
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.collection import to_payload
from schemas.records import Chunk, Modality, Record
from schemas.words import (
    MAX_TERMS,
    has_words,
    iter_chunk_texts,
    iter_payload_texts,
    iter_terms,
    to_document_weights,
    to_query_weights,
    to_term_index,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The Cat's 2nd CAT", ["the", "cat", "s", "2nd", "cat"]),
        ("IMG_2031.JPG", ["img", "2031", "jpg"]),
        ("GTX-1080, 3.14", ["gtx", "1080", "3", "14"]),
        ("Straße \uff21\uff22\uff23 ﬁne", ["strasse", "abc", "fine"]),
        ("cafe\u0301 Zürich", ["café", "zürich"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("שָׁלוֹם", [unicodedata.normalize("NFKC", "שָׁלוֹם")]),
        ("猫", ["猫"]),
        ("東京tower", ["東", "京", "東京", "tower"]),
        ("ネコ 2匹", ["ネ", "コ", "ネコ", "2", "匹"]),
        ("Νίκος", ["νίκοσ"]),
        ("한국어 검색", ["한국어", "검색"]),
        (" \t—…!?_\x00 ", []),
        ("", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert list(iter_terms(text)) == terms


@given(st.text())
def test_every_term_is_found_by_itself_again(text: str) -> None:
    for term in iter_terms(text):
        assert term in set(iter_terms(term))


def test_the_dimension_of_a_term_never_changes() -> None:
    assert to_term_index("diptych") == crc32(b"diptych") == 2_256_059_599
    assert to_term_index("\udc80") == crc32(b"\xed\xb2\x80")


def test_weights_are_the_term_frequency_half_of_bm25() -> None:
    weights = to_document_weights(["to be or not", "to be"])
    found = dict(zip(weights.indices, weights.values, strict=True))
    norm = 1.2 * (1 - 0.75 + 0.75 * 6 / 256)
    assert found == {
        to_term_index("to"): pytest.approx(2 * 2.2 / (2 + norm)),
        to_term_index("be"): pytest.approx(2 * 2.2 / (2 + norm)),
        to_term_index("or"): pytest.approx(2.2 / (1 + norm)),
        to_term_index("not"): pytest.approx(2.2 / (1 + norm)),
    }


def test_a_query_has_a_one_for_every_term() -> None:
    weights = to_query_weights("to be or not to be")
    assert len(weights.indices) == 4
    assert weights.values == [1.0] * 4


@given(st.lists(st.text(max_size=200), max_size=4))
def test_weights_can_be_stored(texts: list[str]) -> None:
    weights = to_document_weights(texts)
    assert weights.indices == sorted(set(weights.indices))
    assert all(0 <= index < 2**32 for index in weights.indices)
    assert len(weights.values) == len(weights.indices)
    assert all(0 < value < 2.2 and math.isfinite(value) for value in weights.values)


def test_no_text_makes_a_vector_without_bounds() -> None:
    weights = to_document_weights([" ".join(map(str, range(3 * MAX_TERMS)))])
    assert len(weights.indices) <= MAX_TERMS


def test_a_chunk_and_its_payload_have_the_same_words() -> None:
    record = Record("folder://r/a.jpg", "r", "/a.jpg", "image/jpeg", Modality.IMAGE)
    chunk = Chunk(
        record,
        0,
        1,
        "blake3:00",
        title="Harbour",
        caption="Two boats",
        alt_text="Boats at a quay",
        keywords=("sea", "port"),
        ocr_text="NINA II",
    )
    payload = to_payload(chunk, "blake3:11")
    assert to_document_weights(iter_chunk_texts(chunk)) == to_document_weights(
        iter_payload_texts(payload)
    )
    assert len(to_document_weights(iter_chunk_texts(chunk)).indices) == 10
    assert has_words(payload)


def test_a_photograph_without_words_has_none() -> None:
    record = Record("folder://r/a.jpg", "r", "/a.jpg", "image/jpeg", Modality.IMAGE)
    payload = to_payload(Chunk(record, 0, 1, "blake3:00", caption="—"), "blake3:11")
    assert not has_words(payload)
    assert to_document_weights(iter_payload_texts(payload)).indices == []
