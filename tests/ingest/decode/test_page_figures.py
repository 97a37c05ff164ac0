"""Headings, figures, languages and dates of HTML and Markdown."""

from __future__ import annotations

from base64 import b64encode

import pytest

from ingest.decode.limits import Limits
from ingest.decode.text import DecodedText, decode_text, headings_at
from tests.documents import BLUE, RED, picture, to_file
from tests.hostile_documents import PROSE

LIMITS = Limits()
URI = "folder://r/a"
RED_FILE = to_file(picture(RED))
RED_DATA = f"data:image/png;base64,{b64encode(RED_FILE).decode()}"


def decode(source: str, kind: str = "html", *, figures: bool = True) -> DecodedText:
    return decode_text(source.encode(), URI, f"text/{kind}", limits=LIMITS, figures=figures)


def to_words(document: DecodedText) -> list[tuple[str | None, str | None, str | None]]:
    return [(figure.location, figure.caption, figure.alt_text) for figure in document.figures]


ARTICLE = "".join(
    f"<h2>Part {i}</h2><p>Paragraph {i}. {PROSE * 3}</p>"
    f'<figure><img src="img/{i}.jpg" alt="Heron {i}"><figcaption>Heron <i>number</i> {i}'
    f"</figcaption></figure><p>After it, {i}. {PROSE}</p>"
    for i in range(4)
)
PAGE = f"""<!DOCTYPE html><html lang="en_GB"><head><title>Herons</title>
<meta property="article:published_time" content="2024-03-05T10:11:12+01:00"></head><body>
<nav><img src="logo.png" alt="Logo">{"<a href='/x'>Menu entry</a><br>" * 20}
<h2>Navigate</h2><p>Elsewhere</p></nav>
<article><h1>Herons</h1>{ARTICLE}</article>
<aside><h3>Advertisement</h3><p>Buy</p><img src="advertisement.png"></aside>
<footer>Copyright<img src="badge.png"></footer></body></html>"""


def test_the_figures_and_headings_of_the_main_text_are_kept() -> None:
    document = decode(PAGE)
    assert to_words(document) == [
        (f"img/{i}.jpg", f"Heron number {i}", f"Heron {i}") for i in range(4)
    ]
    assert [heading.text for heading in document.headings] == [
        *("Herons", "Part 0", "Part 1", "Part 2", "Part 3")
    ]
    for i, figure in enumerate(document.figures):
        assert figure.content == b""
        assert figure.media_type == "image/jpeg"
        assert headings_at(document, figure.start_char or 0) == ("Herons", f"Part {i}")
    assert headings_at(document, document.text.index("After it, 2")) == ("Herons", "Part 2")
    assert document.language == "en-GB"
    assert document.created_at == "2024-03-05T10:11:12+01:00"
    assert decode(PAGE, figures=False).figures == ()


def test_all_images_of_a_brief_page_are_kept() -> None:
    page = '<h1>A</h1><img src="a.png"><p>Text.<img src="b.webp?x=1#y" alt=" B "></p>'
    document = decode(page)
    assert document.text == "A\nText."
    assert to_words(document) == [("a.png", None, None), ("b.webp?x=1#y", None, "B")]
    assert [figure.media_type for figure in document.figures] == ["image/png", "image/webp"]


@pytest.mark.parametrize(
    ("attributes", "location"),
    [
        ('src=" a.png "', "a.png"),
        ('src="https://example.org/a?b"', "https://example.org/a?b"),
        ('src="data:image/gif;base64,R0" data-src="late.jpg"', "late.jpg"),
        ('srcset="s.jpg 480w, l.jpg 1200w, m.jpg 800w"', "l.jpg"),
        ('srcset="a,b.jpg 1x, c.jpg 2x" src=""', "c.jpg"),
        ('src="a.png" width="16" height="16"', None),
        ('src="a.png" width="600px" height="2"', None),
        ('src="a.png" role="presentation"', None),
        ('src="drawing.svg"', None),
        ("", None),
        ('src="//["', "//["),
    ],
)
def test_where_an_image_lies(attributes: str, location: str | None) -> None:
    document = decode(f"<p>Text.</p><img {attributes}>")
    assert [figure.location for figure in document.figures] == ([location] if location else [])


def test_a_base_is_what_locations_are_relative_to() -> None:
    page = "<head><base href='https://example.org/x/'></head><p>Text.</p><img src='../a.png'>"
    assert decode(page).figures[0].location == "https://example.org/a.png"


def test_images_within_pages_and_markdown_are_decoded() -> None:
    for source, kind in (
        (f'<p>Text.</p><img src="{RED_DATA}" alt="Red">', "html"),
        (f'Text.\n\n![Red]({RED_DATA} "Caption")', "md"),
        (f'Text.\n\n<p align="center"><img src="{RED_DATA}" alt="Red"></p>', "md"),
    ):
        document = decode(source, "html" if kind == "html" else "markdown")
        (figure,) = document.figures
        assert (figure.content, figure.location) == (RED_FILE, None)
        assert (figure.media_type, figure.alt_text) == ("image/png", "Red")
        assert "base64" not in document.text


def test_a_large_image_within_markdown_is_no_text() -> None:
    large = to_file(picture(BLUE, (400, 400)).effect_spread(1).resize((399, 399)), "BMP")
    source = f"# Title\n\nBefore ![Blue](data:image/png;base64,{b64encode(large).decode()}) after."
    document = decode(source, "markdown")
    assert document.text == "Title\n\nBefore Blue after."
    assert [figure.content for figure in document.figures] == [large]


def test_a_data_uri_that_is_none_is_no_figure() -> None:
    for uri in ("data:image/png;base64,!", "data:,x", "data:", f"{RED_DATA[:60]}"):
        assert decode(f'<p>Text.</p><img src="{uri}">').figures == ()


MARKDOWN = """---
title: Herons
date: 2024-03-05 10:11
lang: "pt-br"
---
# Spring

It waits. ![A *grey* heron](img/a%20b.jpg "In spring") It stands.

## Nests

[![linked](nest.png)](https://example.org) and <img src="inline.png" alt="Inline" width="300">

- ![in a list](list.png)

<figure><img src="figure.jpg"><figcaption>A figure</figcaption></figure>

```
![code](no.png)
```

Summer
======

The end &amp; ![](end.png)
"""


def test_headings_and_figures_of_markdown() -> None:
    document = decode(MARKDOWN, "markdown")
    assert to_words(document) == [
        ("img/a%20b.jpg", "In spring", "A grey heron"),
        ("nest.png", None, "linked"),
        ("inline.png", None, "Inline"),
        ("list.png", None, "in a list"),
        ("figure.jpg", "A figure", None),
        ("end.png", None, None),
    ]
    paths = [headings_at(document, figure.start_char or 0) for figure in document.figures]
    assert paths == [("Spring",), *[("Spring", "Nests")] * 4, ("Summer",)]
    for heading in document.headings:
        assert document.text[heading.start_char :].startswith(heading.text)
    assert (document.title, document.language) == ("Herons", "pt-BR")
    assert document.created_at == "2024-03-05T10:11"


def test_headings_stand_where_they_are_when_characters_are_composed() -> None:
    document = decode("# e\u0301\u0301\n\nu&#x308; text\n\n## o&#x308;\n\nend", "markdown")
    assert document.text == "\u00e9\u0301\n\n\u00fc text\n\n\u00f6\n\nend"
    first, second = document.headings
    assert (first.start_char, second.start_char) == (0, document.text.index("\u00f6"))


@pytest.mark.parametrize(
    ("head", "language", "created_at"),
    [
        ('<meta http-equiv="content-language" content="fr">', "fr", None),
        (
            '<meta property="og:locale" content="de_CH"><meta name="date" content="2020">',
            "de-CH",
            "2020",
        ),
        (
            '<script type="application/ld+json">{"datePublished": "2021-02-03"}</script>',
            None,
            "2021-02-03",
        ),
        (
            '<meta name="DC.date.issued" content="2020-13-45"><meta name="date" content="soon">',
            None,
            None,
        ),
    ],
)
def test_what_a_page_declares(head: str, language: str | None, created_at: str | None) -> None:
    document = decode(f"<html><head>{head}</head><body><p>Text.</p></body></html>")
    assert (document.language, document.created_at) == (language, created_at)


def test_the_mark_of_a_link_to_a_heading_is_no_part_of_it() -> None:
    document = decode("<h1>Herons<a href='#h'>\u00b6</a></h1><p>Text.</p><h2>\u00a7 Nests</h2>")
    assert [heading.text for heading in document.headings] == ["Herons", "Nests"]
    assert document.text == "Herons\u00b6\nText.\n\u00a7 Nests"


def test_a_page_of_images_alone_is_readable() -> None:
    document = decode('<html><body><img src="a.png"></body></html>')
    assert document.text == ""
    assert [figure.location for figure in document.figures] == ["a.png"]


def test_many_images_take_linear_time() -> None:
    images = "".join(f'<img src="{i}.png">' for i in range(3_000))
    page = f"<html><body><p>{PROSE * 5}</p><figure>{images}</figure></body></html>"
    assert len(decode(page).figures) == LIMITS.max_figures
