from __future__ import annotations

import logging
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from unicodedata import is_normalized

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.decode.characters import to_normal_text, to_title
from ingest.decode.limits import Limits
from ingest.decode.text import DecodedText, decode_text
from schemas.errors import DecodeError, SourceError, SourceTooLarge, UnsupportedFormat
from tests import hostile_documents
from tests.hostile_documents import FRENCH, PROSE, to_pdf

SOUND = dict(hostile_documents.iter_sound())
LIMITS = Limits()
URI = "folder://r/a.txt"
MEDIA_TYPES = {
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "xhtml": "application/xhtml+xml",
    "pdf": "application/pdf",
}


def decode(content: bytes | str, kind: str = "txt", limits: Limits = LIMITS) -> DecodedText:
    content = content.encode() if isinstance(content, str) else content
    return decode_text(content, URI, MEDIA_TYPES[kind], limits=limits)


def decode_sound(name: str) -> str:
    return decode(SOUND[name], name.rpartition(".")[2]).text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("utf8_mark.txt", FRENCH),
        ("utf16.txt", FRENCH * 3),
        ("utf16_be.txt", FRENCH),
        ("utf16_unmarked.txt", PROSE),
        ("utf32.txt", FRENCH),
        ("windows1252.txt", FRENCH),
        ("a_few_nuls.txt", "heron stands " + PROSE),
        ("escapes.txt", "[31mred[0m alert " + PROSE),
        ("line_ends.txt", "one\ntwo\nthree\n\n\nfour"),
        ("cut_in_a_character.txt", FRENCH * 4 + "\ufffd"),
    ],
)
def test_characters_come_out_as_they_were_meant(name: str, text: str) -> None:
    assert decode_sound(name) == text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lone_surrogate.txt", FRENCH.strip() + " \ufffd\ufffd\ufffd end"),
        ("deep.html", "found"),
        ("unclosed.html", "text"),
        ("entities.xhtml", "found"),
        ("meta_charset.html", "L'été, la forêt dorée"),
        ("meta_of_a_codec_that_is_none.html", "L'été, la forêt dorée"),
        ("a_page_in_truth.txt", "found"),
        ("a_pdf_in_truth.txt", PROSE.strip()),
        ("garbage_behind.pdf", PROSE.strip()),
        ("brackets.md", "[[[["),
        ("comments.md", "Title"),
        ("marks.txt", " end"),
        *[("deep_list.md", "399 items deep"), ("deep_quote.md", "words of another")],
    ],
)
def test_words_are_found_in_odd_documents(name: str, words: str) -> None:
    assert words in decode_sound(name)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
@example("e\u0301 \u1100\u1161 \u212b")
def test_text_is_nfc_with_plain_line_ends_and_nothing_unseen(text: str) -> None:
    normal = to_normal_text(text)
    assert is_normalized("NFC", normal)
    assert not set(normal) & {"\r", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff", "\f"}
    assert to_normal_text(normal) == normal


def test_a_letter_keeps_its_marks_up_to_thirty() -> None:
    assert to_normal_text("a" + "\u0316" * 30) == "a" + "\u0316" * 30
    assert to_normal_text("a" + "\u0316" * 31 + "b") == "a" + "\u0316" * 30 + "b"
    assert to_normal_text("\u2014" * 40) == "\u2014" * 40


def test_a_title_is_one_line_or_none() -> None:
    assert to_title(" A\n title\t\0 ") == "A title"
    assert to_title("x" * 400) == "x" * 300
    assert to_title(" \n") is to_title(None) is None


MARKDOWN = """---
layout: post
title: "Herons, seen"
---
# The *grey* heron

It **stands** in [the water](https://example.org "there"),
waiting\\
for `fish` &amp; frogs. ![A heron](heron.jpg)

- first
- second
  1. nested

> quoted <b>words</b>

| bird | legs |
|------|------|
| heron | two |

```python
print("code stays")
```

<div class="box"><p>inside</p></div>
"""


def test_markdown_is_reduced_to_what_is_read() -> None:
    document = decode(MARKDOWN, "md")
    assert document.title == "Herons, seen"
    assert document.text.split("\n\n") == [
        "Herons, seen",
        "The grey heron",
        "It stands in the water, waiting\nfor fish & frogs. A heron",
        "first\nsecond\nnested",
        "quoted words",
        "bird\tlegs\nheron\ttwo",
        'print("code stays")',
        "inside",
    ]


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("text\n\n## Second *level*\n\n# First", "Second level"),
        ("Set\ntext\n===\n", "Set text"),
        ("---\ntitle: 'Quoted'\n---\n# Heading", "Quoted"),
        ('+++\ntitle = "TOML"\n+++\nx', "TOML"),
        ("---\ndate: 2024\n---\n# Heading", "Heading"),
        ("---\nno front matter, it never ends", None),
        ("no heading\n\n    # code", None),
    ],
)
def test_titles_of_markdown(source: str, title: str | None) -> None:
    assert decode(source, "md").title == title


def test_a_large_markdown_document_is_taken_as_it_is() -> None:
    source = "# Title\n\n" + "*word* " * 50_000
    assert decode(source, "md").text == source


ARTICLE = "".join(f"<p>Paragraph {i}. {PROSE * 3}</p>" for i in range(8))
PAGE = f"""<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>
<html><head><title>Herons &amp; egrets</title><style>p {{}}</style></head><body>
<nav><ul>{"<li><a href='/x'>Menu entry</a></li>" * 20}</ul></nav>
<article><h1>Herons</h1>{ARTICLE}</article>
<footer>Copyright and cookies</footer><script>alert(1)</script></body></html>"""


def test_the_main_text_of_a_page_is_kept_and_its_frame_is_not() -> None:
    document = decode(PAGE, "html")
    assert document.title == "Herons & egrets"
    assert document.text.startswith("Herons & egrets\n\n")
    assert all(f"Paragraph {i}. The heron stands" in document.text for i in range(8))
    for frame in ("Menu entry", "alert(1)", "<p>", "Copyright"):
        assert frame not in document.text


def test_a_brief_page_is_kept_whole() -> None:
    page = "<h1>Cats</h1><p>A <b>c</b>at<br>sat.</p><ul><li>one<li>two</ul><script>no</script>"
    document = decode(page, "html")
    assert document.text == "Cats\nA cat\nsat.\none\ntwo"
    assert document.title == "Cats"


def test_a_page_of_too_many_elements_is_taken_whole() -> None:
    page = "<html><body><nav>menu</nav>" + "<p>word</p>" * 31_000
    text = decode(page, "html").text
    assert text.startswith("menu\nword\nword")
    assert text.count("word") == 31_000


def test_pages_of_a_pdf_begin_where_it_says() -> None:
    document = decode(SOUND["three_pages.pdf"], "pdf")
    assert document.text == "One page.\n\n\n\nThree pages."
    assert document.page_starts == (0, 11, 13)
    assert document.text[document.page_starts[2] :] == "Three pages."
    assert document.title == "A title"
    assert decode(to_pdf(["x"], title="Microsoft Word - Report.docx"), "pdf").title == "Report"
    assert decode(to_pdf(["x"]), "pdf").title is None


def test_a_word_hyphenated_in_a_pdf_is_one_word_again() -> None:
    assert decode(to_pdf(["a hyphen-\nation here"]), "pdf").text == "a hyphenation here"


def test_pdfs_are_read_by_several_threads() -> None:
    contents = [to_pdf([f"Document {i} page {page}" for page in range(5)]) for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for i, document in enumerate(pool.map(lambda content: decode(content, "pdf"), contents)):
            assert document.text.count(f"Document {i} page") == 5


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", "txt", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "txt", "not text in any known encoding"),
        (b"<html><body></body></html>", "html", "there is no text in it"),
        (to_pdf(["x"], encrypted=True), "pdf", "needs a password"),
        (to_pdf([""]), "pdf", "OCR is no part of this"),
        (to_pdf([]), "pdf", "damaged or has no page"),
        (b"%PDF-1.4 garbage", "pdf", "the PDF is damaged"),
    ],
)
def test_messages_say_what_and_what_to_do(content: bytes, kind: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message) as caught:
        decode(content, kind)
    assert caught.value.source_uri == URI
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


def test_limits_of_text_and_pages() -> None:
    assert decode("x" * 10, limits=Limits(max_text_chars=10)).text == "x" * 10
    with pytest.raises(SourceTooLarge, match="11 characters, over the limit of 10"):
        decode("x" * 11, limits=Limits(max_text_chars=10))
    with pytest.raises(SourceTooLarge, match="3 pages, over the limit of 2"):
        decode(to_pdf(["x"] * 3), "pdf", Limits(max_pages=2))
    with pytest.raises(SourceTooLarge, match="more than 10 characters"):
        decode(to_pdf(["x" * 6] * 3), "pdf", Limits(max_text_chars=10))
    with pytest.raises(ValueError, match="at least 1"):
        Limits(max_pages=0)


def test_a_long_document_is_a_warning_and_whole(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(decode("a " * 50_000).text) == 100_000
        assert not caplog.records
        assert len(decode("a " * 50_001).text) == 100_002
    assert [record.getMessage() for record in caplog.records] == [
        f"{URI}: a long document (100,002 characters)"
    ]


def test_a_media_type_without_a_reader_is_refused() -> None:
    with pytest.raises(UnsupportedFormat, match="text/csv"):
        decode_text(b"a,b", URI, "text/csv", limits=LIMITS)


def test_marks_in_a_row_take_linear_time() -> None:
    start = time.process_time()
    to_normal_text("a" + "\u0300\u0316" * 200_000)  # a minute without the guard
    assert time.process_time() - start < 3


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=400), kind=st.sampled_from(sorted(MEDIA_TYPES)))
def test_any_bytes_are_text_or_one_error(content: bytes, kind: str) -> None:
    with suppress(SourceError):
        assert decode(content, kind).text.strip()


FRAGMENTS = ["<p>", "</p>", "<", "&#x", "]]>", "<!--", "# ", "|", "`", "[a](", "---\n", "\0", "é\n"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60), st.sampled_from(["md", "html"]))
def test_any_markup_is_text_or_one_error(fragments: list[str], kind: str) -> None:
    with suppress(SourceError):
        document = decode("".join(fragments), kind)
        assert document.text == to_normal_text(document.text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=8)), max_size=8))
def test_a_damaged_pdf_is_text_or_one_error(edits: list[tuple[float, bytes]]) -> None:
    content = bytearray(SOUND["three_pages.pdf"])
    for place, patch in edits:
        start = int(place * len(content))
        content[start : start + len(patch)] = patch
    with suppress(SourceError):
        document = decode(bytes(content), "pdf")
        assert len(document.page_starts) >= 1
        assert document.page_starts[-1] <= len(document.text)
