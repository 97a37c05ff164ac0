"""The tokenizer: spans in the caller's own characters, whatever the text is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.encoders.hinge.towers import WINDOW_TOKENS, Tokens

pytestmark = pytest.mark.usefixtures("hinge_weights")


@pytest.fixture(scope="module")
def tokens(hinge_weights: None) -> Tokens:  # noqa: ARG001 - skips
    return Tokens()


def _spelled(tokens: Tokens, text: str) -> list[str]:
    return [text[start:end] for start, end in tokens.to_spans(text)]


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("", []),
        ("Two CATS.", ["Two", "CATS", "."]),
        ("héllo\x00 wörld", ["héllo", "wörld"]),
        ("cafe\u0301 bar", ["cafe", "bar"]),
        ("\ufeff\u200bx", ["x"]),
        ("中文", ["中", "文"]),
        ("[SEP] [PAD]", ["[", "SEP", "]", "[", "PAD", "]"]),
        ("a\ud800b cat", ["a\ud800b", "cat"]),
    ],
)
def test_spans_are_the_tokens_in_the_callers_text(
    tokens: Tokens, text: str, spelled: list[str]
) -> None:
    assert _spelled(tokens, text) == spelled


@given(st.text(st.characters(exclude_categories=()), max_size=80))
@settings(max_examples=150, deadline=None)
def test_spans_ascend_inside_any_text(tokens: Tokens, text: str) -> None:
    spans = tokens.to_spans(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    # The parts of one character, such as a Hangul syllable's, share its span.
    assert all(left[1] <= right[0] or left == right for left, right in itertools.pairwise(spans))


def test_the_parts_of_a_hangul_syllable_share_its_span(tokens: Tokens) -> None:
    spans = tokens.to_spans("a \uc14d b")
    assert len(spans) > 3
    assert {*spans} == {(0, 1), (2, 3), (4, 5)}
    assert list(spans) == sorted(spans)


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=40), max_size=4))
@settings(max_examples=100, deadline=None)
def test_ids_are_special_only_where_we_put_them(tokens: Tokens, texts: list[str]) -> None:
    for text, ids in zip(texts, tokens.to_ids(texts), strict=True):
        assert (ids[0], ids[-1]) == (101, 102)
        assert not {0, 101, 102, 103} & set(ids[1:-1])
        assert len(ids) - 2 == len(tokens.to_spans(text))


def test_ids_are_cut_at_the_window_and_spans_are_not(tokens: Tokens) -> None:
    text = "word " * (WINDOW_TOKENS + 50)
    assert len(tokens.to_ids([text])[0]) == WINDOW_TOKENS + 2
    assert len(tokens.to_spans(text)) == WINDOW_TOKENS + 50
