from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.snippet import SNIPPET_CHARS, to_snippet

SENTENCES = " ".join(f"Sentence {n} speaks of {w}." for n, w in enumerate(["rain", "cats"] * 10))


def test_a_short_text_is_shown_whole_with_white_space_folded() -> None:
    assert to_snippet("  two\n\nlines\tand tabs ") == "two lines and tabs"


def test_a_long_text_is_cut_at_the_end_of_a_word() -> None:
    assert to_snippet("one two three four", most_chars=13) == "one two three…"
    assert to_snippet("one two three four", most_chars=12) == "one two…"


def test_a_word_longer_than_the_limit_is_cut_inside() -> None:
    assert to_snippet("x" * 30, most_chars=10) == "x" * 10 + "…"


def test_it_begins_at_the_sentence_with_most_of_the_query_words() -> None:
    text = f"A start. {'Filler words stand here. ' * 12}A Black CAT sleeps! The end. {SENTENCES}"
    assert to_snippet(text, "a black cat").startswith("… A Black CAT sleeps! The end. Sentence 0")


def test_without_a_match_or_a_query_it_begins_at_the_beginning() -> None:
    assert to_snippet(SENTENCES, "zebra").startswith("Sentence 0")
    assert to_snippet(SENTENCES).startswith("Sentence 0")


def test_a_match_near_the_end_is_shown_with_what_comes_before() -> None:
    text = f"{SENTENCES} Right here. A zebra."
    snippet = to_snippet(text, "zebra")
    assert snippet.endswith("Right here. A zebra.")
    assert len(snippet) > SNIPPET_CHARS - 40


@given(st.text(max_size=700), st.text(max_size=20))
def test_it_is_short_folded_and_of_the_text(text: str, query: str) -> None:
    snippet = to_snippet(text, query)
    body = snippet.removeprefix("… ").removesuffix("…")
    folded = " ".join(text.split())
    assert body in folded or snippet in folded
    assert len(snippet) <= SNIPPET_CHARS + 3
    assert "\n" not in snippet
