from __future__ import annotations

import pytest

from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.packages import EPUB
from ingest.decode.text import DecodedText, Heading, decode_text, headings_at
from schemas.errors import DecodeError, SourceTooLarge
from tests.documents import BLUE, RED, picture, to_epub, to_file, to_zip

LIMITS = Limits()
URI = "folder://r/a.epub"

CHAPTERS = {
    "text/two.xhtml": "<h1>Second in name</h1><p>It comes &eacute;arly.</p>",
    "text/one.xhtml": "<section><h1>Summer</h1><h2>June</h2><p>It flies.</p>"
    '<figure><img src="../images/heron.jpg" alt="A heron"/><figcaption>In June</figcaption>'
    '</figure><img src="../images/heron.jpg"/><img src="gone.png"/></section>',
}
METADATA = (
    "<dc:title>The heron</dc:title><dc:language>en-us</dc:language><dc:date>2019-05</dc:date>"
)

CONTAINER = '<c><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></c>'


def decode(content: bytes, limits: Limits = LIMITS) -> DecodedText:
    return decode_text(content, URI, EPUB, limits=limits, figures=True)


def test_chapters_come_in_the_order_of_the_spine() -> None:
    decoded = decode(to_epub(CHAPTERS, metadata=METADATA))
    assert decoded.text == (
        "Second in name\nIt comes \u00e9arly.\n\nSummer\nJune\nIt flies.\nIn June"
    )
    summer = decoded.text.index("Summer")
    assert decoded.headings == (
        Heading(0, 1, "Second in name"),
        Heading(summer, 1, "Summer"),
        Heading(summer + 7, 2, "June"),
    )
    assert headings_at(decoded, len(decoded.text)) == ("Summer", "June")
    assert (decoded.title, decoded.language) == ("The heron", "en-US")
    assert decoded.created_at == "2019-05"
    assert decoded.page_starts == ()


def test_pictures_of_chapters_and_the_cover_are_figures() -> None:
    content = to_epub(
        CHAPTERS,
        manifest='<item id="x" href="c.png" properties="cover-image" media-type="image/png"/>',
        extra={
            "OPS/images/heron.jpg": to_file(picture(BLUE), "JPEG"),
            "OPS/c.png": to_file(picture(RED)),
        },
    )
    decoded = decode(content)
    cover, heron = decoded.figures
    assert (cover.media_type, cover.start_char) == ("image/png", 0)
    assert (heron.caption, heron.alt_text) == ("In June", "A heron")
    assert headings_at(decoded, heron.start_char or 0) == ("Summer", "June")
    image = decode_image(heron.content, "f", limits=LIMITS, side_pixels=224)
    assert (image.width_pixels, image.height_pixels) == (120, 80)


def test_the_cover_of_an_epub_2_is_found_too() -> None:
    content = to_epub(
        {"a.xhtml": "<p>Text.</p>"},
        metadata='<meta name="cover" content="pic"/>'
        '<dc:date event="modification" xmlns:o="x">2022</dc:date><dc:date>1999</dc:date>',
        manifest='<item id="pic" href="c.png" media-type="image/png"/>',
        extra={"OPS/c.png": to_file(picture(RED))},
    )
    decoded = decode(content)
    assert [figure.content for figure in decoded.figures] == [to_file(picture(RED))]
    assert decoded.created_at == "1999"


def test_names_are_unquoted() -> None:
    opf = (
        '<package><manifest><item id="a" href="a%20b.xhtml" media-type="application/xhtml+xml"/>'
        '</manifest><spine><itemref idref="a"/></spine></package>'
    )
    content = to_epub({}, extra={"OPS/book.opf": opf, "OPS/a b.xhtml": "<p>Text.</p>"})
    assert decode(content).text == "Text."


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            {"META-INF/encryption.xml": '<e><EncryptionMethod Algorithm="http://x/aes"/></e>'},
            "protected against copying",
        ),
        ({"META-INF/container.xml": "<container/>"}, "its list of parts"),
        (
            {"OPS/book.opf": '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>&x;</p>'},
            "document type definition",
        ),
        ({"OPS/book.opf": "<package/>"}, "no text in it"),
        ({"OPS/book.opf": "<package"}, "cannot be read"),
    ],
)
def test_books_that_cannot_be_read_say_why(extra: dict[str, str], message: str) -> None:
    members: dict[str, bytes | str] = {
        "mimetype": EPUB,
        "META-INF/container.xml": CONTAINER,
        **extra,
    }
    with pytest.raises(DecodeError, match=message):
        decode(to_zip(members))


def test_scrambled_fonts_are_no_protection() -> None:
    fonts = '<e><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/></e>'
    content = to_epub({"a.xhtml": "<p>Text.</p>"}, extra={"META-INF/encryption.xml": fonts})
    assert decode(content).text == "Text."


def test_too_many_chapters_are_refused() -> None:
    content = to_epub({f"{n}.xhtml": "<p>x</p>" for n in range(3)})
    with pytest.raises(SourceTooLarge, match="3 chapters, over the limit of 2"):
        decode(content, Limits(max_pages=2))


def test_a_path_out_of_the_book_leads_nowhere() -> None:
    content = to_epub({"a.xhtml": '<p>Text.</p><img src="../../../etc/passwd"/>'})
    assert decode(content).figures == ()
