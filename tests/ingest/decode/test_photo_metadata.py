from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ingest.decode.image import DecodedImage, decode_image
from ingest.decode.limits import Limits
from tests.described_images import (
    UTF8_MARK,
    described_jpeg,
    described_tiff,
    exif,
    iptc,
    items,
    xmp,
)
from tests.hostile_images import HEIGHT, WIDTH, encoded, picture
from tests.raw_images import Field

DESCRIPTION, TITLE, COMMENT, KEYWORDS, SUBJECT = 270, 40091, 40092, 40094, 40095
ORIGINAL, DIGITIZED = 36867, 36868


def decode(content: bytes) -> DecodedImage:
    return decode_image(content, "folder://r/a.jpg", limits=Limits(), side_pixels=224)


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def alternatives(name: str, **texts: str) -> str:
    listed = "".join(
        f'<rdf:li xml:lang="{language.replace("_", "-")}">{text}</rdf:li>'
        for language, text in texts.items()
    )
    return f"<{name}><rdf:Alt>{listed}</rdf:Alt></{name}>"


EVERYTHING = {
    "exif_block": exif(
        {
            DESCRIPTION: b"caption of EXIF\0",
            TITLE: wide("title of Windows"),
            COMMENT: wide("comment"),
            KEYWORDS: wide("w1;w2"),
        },
        {ORIGINAL: b"2021:07:08 09:10:11\0"},
    ),
    "xmp_packet": xmp(
        alternatives("dc:title", x_default="title of XMP")
        + alternatives("dc:description", x_default="caption of XMP")
        + items("dc:subject", "Bag", ["x1", "x2"]),
        'photoshop:DateCreated="2020-01-02" xmp:CreateDate="2018-01-01T00:00:00Z"',
    ),
    "iptc_block": iptc(
        [
            (2, 5, b"title of IPTC"),
            (2, 25, b"i1"),
            (2, 25, b"i2"),
            (2, 55, b"20190304"),
            (2, 60, b"050607+0100"),
            (2, 120, b"caption of IPTC"),
        ]
    ),
}


def test_exif_comes_before_xmp_and_xmp_before_iptc() -> None:
    decoded = decode(described_jpeg(**EVERYTHING))
    assert decoded.title == "title of XMP"
    assert decoded.caption == "caption of EXIF"
    assert decoded.keywords == ("x1", "x2")
    assert decoded.taken_at == "2021-07-08T09:10:11"


@pytest.mark.parametrize(
    ("digest_of", "title"),
    [(EVERYTHING["iptc_block"], "title of XMP"), (b"an earlier block", "title of IPTC")],
)
def test_iptc_that_was_edited_after_xmp_comes_before_it(digest_of: bytes, title: str) -> None:
    blocks = {**EVERYTHING, "exif_block": b""}
    decoded = decode(described_jpeg(**blocks, digest_of=digest_of))
    assert decoded.title == title
    assert decoded.caption == title.replace("title", "caption")
    assert decoded.taken_at == ("2020-01-02" if "XMP" in title else "2019-03-04T05:06:07+01:00")


def test_each_block_alone_is_enough() -> None:
    of_exif, of_xmp, of_iptc = (
        decode(described_jpeg(**{name: block})) for name, block in EVERYTHING.items()
    )
    assert (of_exif.title, of_exif.keywords) == ("title of Windows", ("w1", "w2"))
    assert (of_xmp.title, of_xmp.caption) == ("title of XMP", "caption of XMP")
    assert of_xmp.taken_at == "2020-01-02"
    assert (of_iptc.title, of_iptc.caption) == ("title of IPTC", "caption of IPTC")
    assert (of_iptc.keywords, of_iptc.taken_at) == (("i1", "i2"), "2019-03-04T05:06:07+01:00")


def test_a_photograph_that_says_nothing_says_nothing() -> None:
    decoded = decode(described_jpeg())
    assert (decoded.title, decoded.caption, decoded.keywords) == (None, None, ())
    assert (decoded.taken_at, decoded.ocr_text, decoded.frame) == (None, None, None)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_every_format_carries_exif_and_xmp(file_format: str) -> None:
    if file_format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    packet = xmp(alternatives("dc:title", x_default="Größe") + items("dc:subject", "Bag", ["é"]))
    tags = Image.Exif()
    tags[DESCRIPTION] = "A heron"
    tags.get_ifd(0x8769)[ORIGINAL] = "2021:07:08 09:10:11"
    if file_format == "TIFF":  # Pillow writes no directory of dates into it
        tags[700] = packet
        expected = None
    else:
        expected = "2021-07-08T09:10:11"
    if file_format == "PNG":
        chunks = PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", packet.decode())
        content = encoded(picture(), "PNG", exif=tags, pnginfo=chunks)
    else:
        content = encoded(picture(), file_format, exif=tags, xmp=packet)
    decoded = decode(content)
    assert (decoded.title, decoded.caption) == ("Größe", "A heron")
    assert (decoded.keywords, decoded.taken_at) == (("é",), expected)


@pytest.mark.parametrize("kind", [1, 4, 7])
def test_a_tiff_carries_dates_and_iptc_as_bytes_or_as_numbers(kind: int) -> None:
    block = iptc([UTF8_MARK, (2, 5, "Höhe".encode()), (2, 25, b"a")])
    block += bytes(-len(block) % 4)
    numbers = struct.unpack(f"<{len(block) // 4}L", block)
    field = Field(33723, kind, numbers if kind == 4 else block)
    decoded = decode(described_tiff(field, dates={ORIGINAL: b"2021:07:08 09:10:11\0"}))
    assert (decoded.title, decoded.keywords) == ("Höhe", ("a",))
    assert decoded.taken_at == "2021-07-08T09:10:11"


def test_a_png_may_say_it_in_text_chunks() -> None:
    chunks = PngInfo()
    chunks.add_text("Title", "A plan")
    chunks.add_itxt("Description", "Of the house")
    decoded = decode(encoded(picture(), "PNG", pnginfo=chunks))
    assert (decoded.title, decoded.caption) == ("A plan", "Of the house")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Ein Flußpferd".encode(), "Ein Flußpferd"),
        ("Ein Flußpferd".encode("cp1252"), "Ein Flußpferd"),
        (b"two\r\nlines\x07  ", "two\nlines"),
        ("e\u0301t\u00e9".encode(), "\u00e9t\u00e9"),
        (b"   ", None),
        (b"x" * 3000, "x" * 2000),
    ],
)
def test_captions_of_exif_are_utf8_or_windows_1252_and_normal(
    content: bytes, expected: str | None
) -> None:
    block = exif({DESCRIPTION: content + b"\0"})
    assert decode(described_jpeg(exif_block=block)).caption == expected


@pytest.mark.parametrize(
    ("charset", "value"),
    [
        (b"\x1b%G", "Žluťoučký".encode()),
        (b"", "Žluťoučký".encode()),
        (b"\x1b.B", "Žluťoučký".encode("iso8859-2")),
        (b"\x1b-B", "Žluťoučký".encode("iso8859-2")),
    ],
)
def test_iptc_is_read_in_its_character_set(charset: bytes, value: bytes) -> None:
    block = iptc([(1, 90, charset), (2, 5, value)])
    assert decode(described_jpeg(iptc_block=block)).title == "Žluťoučký"


def test_iptc_without_a_character_set_that_is_no_utf8_is_windows_1252() -> None:
    block = iptc([(2, 5, "Größe \u2014 5 €".encode("cp1252"))])
    assert decode(described_jpeg(iptc_block=block)).title == "Größe \u2014 5 €"


def test_the_default_language_comes_first_in_xmp() -> None:
    body = alternatives("dc:title", de="Reiher", x_default="Heron")
    assert decode(described_jpeg(xmp_packet=xmp(body))).title == "Heron"
    body = alternatives("dc:title", fr="Héron", de="Reiher")
    assert decode(described_jpeg(xmp_packet=xmp(body))).title == "Héron"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_xmp_may_be_in_utf_16(encoding: str) -> None:
    packet = xmp(alternatives("dc:title", x_default="Größe")).decode().encode(encoding)
    assert decode(described_jpeg(xmp_packet=packet)).title == "Größe"


def test_what_an_ingredient_says_is_not_said_of_the_photograph() -> None:
    nested = f"<xmp:Pantry><rdf:Description>{alternatives('dc:title', de='x')}</rdf:Description>"
    packet = xmp(f"{nested}</xmp:Pantry>", 'photoshop:Headline="A headline"')
    assert decode(described_jpeg(xmp_packet=packet)).title == "A headline"


def test_keywords_are_many_short_and_each_once() -> None:
    words = ["Bird", "bird", " lake\n", "", "x" * 70, *(f"k{number}" for number in range(200))]
    keywords = decode(described_jpeg(xmp_packet=xmp(items("dc:subject", "Bag", words)))).keywords
    assert keywords[:4] == ("Bird", "lake", "x" * 64, "k0")
    assert len(keywords) == 100


@pytest.mark.parametrize(
    "boilerplate",
    [
        *("OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "KONICA MINOLTA DIGITAL CAMERA"),
        *("<Digimax S500 / Kenox S500 / Digimax Cyber 530>", "DCF 1.0", "Exif_JPEG_PICTURE"),
        *("hdrpl", "oznorCOF", "cof_soft", "dav", "default", "Untitled", "SAMSUNG CAMERA PICTURES"),
        *("GE DIGITAL CAMERA", "SONY DIGITAL STILL CAMERA", "DCIM\\100GOPRO\\GOPR0482.JPG"),
        *("Created with GIMP", '{"shape": [512, 512, 3]}', "ImageJ=1.53t\nunit=micron"),
        "shape=(2,3,10,10)",
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="x"/>',
    ],
)
def test_what_cameras_and_programs_write_by_themselves_is_no_caption(boilerplate: str) -> None:
    block = exif({DESCRIPTION: boilerplate.encode() + b"\0"})
    packet = xmp(alternatives("dc:description", x_default="A heron"))
    assert decode(described_jpeg(exif_block=block)).caption is None
    assert decode(described_jpeg(exif_block=block, xmp_packet=packet)).caption == "A heron"


@pytest.mark.parametrize("caption", ["My first digital camera", "Untitled sonata", "Norway"])
def test_what_only_resembles_boilerplate_is_kept(caption: str) -> None:
    block = exif({DESCRIPTION: caption.encode() + b"\0"})
    assert decode(described_jpeg(exif_block=block)).caption == caption


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ('photoshop:DateCreated="2020-01-02T03:04:05.678+02:00"', "2020-01-02T03:04:05+02:00"),
        ('photoshop:DateCreated="2020-01-02T03:04Z"', "2020-01-02T03:04:00+00:00"),
        ('photoshop:DateCreated="2020-01-02"', "2020-01-02"),
        ('photoshop:DateCreated="2020-01" xmp:CreateDate="2020-03-04"', "2020-03-04"),
        ('photoshop:DateCreated="1923"', None),
        ('photoshop:DateCreated="0000-00-00T00:00:00"', None),
        ('photoshop:DateCreated="soon" exif:DateTimeOriginal="2020-05-06"', "2020-05-06"),
        ('xmp:CreateDate="2021-02-30"', None),
    ],
)
def test_dates_of_xmp(attribute: str, expected: str | None) -> None:
    assert decode(described_jpeg(xmp_packet=xmp("", attribute))).taken_at == expected


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        (b"20190304", b"050607-0330", "2019-03-04T05:06:07-03:30"),
        (b"20190304", b"050607", "2019-03-04T05:06:07"),
        (b"20190304", b"996199", "2019-03-04"),
        (b"20190304", b"", "2019-03-04"),
        (b"20190000", b"", None),
        (b"00000000", b"000000", None),
        (b"spring", b"050607", None),
    ],
)
def test_dates_of_iptc(date: bytes, time: bytes, expected: str | None) -> None:
    block = iptc([(2, 55, date), (2, 60, time)])
    assert decode(described_jpeg(iptc_block=block)).taken_at == expected


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "https://example.org/x.dtd">',
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    ],
)
def test_an_xmp_packet_with_a_document_type_is_passed_over(declaration: str, encoding: str) -> None:
    packet = xmp(alternatives("dc:title", x_default="&e;&l9;"), 'photoshop:Headline="h"')
    _, start, rest = packet.partition(b"<x:xmpmeta")
    packet = (declaration.encode() + start + rest).decode().encode(encoding)
    decoded = decode(described_jpeg(xmp_packet=packet))
    assert decoded.title is None


def test_a_slightly_broken_packet_gives_what_can_be_read() -> None:
    packet = xmp(alternatives("dc:title", x_default="Salt & pepper"))
    assert decode(described_jpeg(xmp_packet=packet)).title == "Salt pepper"
    cut = xmp(alternatives("dc:title", x_default="Whole")).partition(b"</rdf:Description>")[0]
    assert decode(described_jpeg(xmp_packet=cut)).title == "Whole"


@settings(max_examples=200, deadline=None)
@given(
    exif_block=st.binary(max_size=400) | st.just(EVERYTHING["exif_block"]),
    xmp_packet=st.binary(max_size=400) | st.text(max_size=200).map(xmp),
    iptc_block=st.binary(max_size=400) | st.just(EVERYTHING["iptc_block"]),
    flips=st.lists(st.tuples(st.integers(2, 1500), st.integers(0, 255)), max_size=8),
)
@example(exif_block=b"", xmp_packet=b"<" * 60_000, iptc_block=b"", flips=[])
@example(exif_block=b"", xmp_packet=b"<a>" * 20_000, iptc_block=b"", flips=[])
@example(exif_block=b"", xmp_packet=b"", iptc_block=b"\x1c\x02\x05\xff\xff", flips=[])
@example(exif_block=b"", xmp_packet=b"", iptc_block=b"\x1c\x02\x19\0\0" * 12_000, flips=[])
def test_no_metadata_keep_an_image_from_being_decoded(
    exif_block: bytes, xmp_packet: bytes, iptc_block: bytes, flips: list[tuple[int, int]]
) -> None:
    blocks = {"exif_block": exif_block, "xmp_packet": xmp_packet, "iptc_block": iptc_block}
    for place, value in flips:
        name = sorted(blocks)[place % 3]
        damaged = bytearray(blocks[name] or b"\0")
        damaged[place % len(damaged)] = value
        blocks[name] = bytes(damaged)
    if not blocks["exif_block"].startswith(b"Exif"):
        blocks["exif_block"] = b"Exif\0\0" + blocks["exif_block"]
    decoded = decode(described_jpeg(**blocks))
    assert sorted((decoded.width_pixels, decoded.height_pixels)) == [HEIGHT, WIDTH]
    assert all(0 < len(keyword) <= 64 for keyword in decoded.keywords)
    assert all(text is None or text.strip() for text in (decoded.title, decoded.caption))


def test_the_pixels_are_those_of_a_file_without_metadata() -> None:
    plain = Image.open(BytesIO(described_jpeg())).convert("RGB")
    assert decode(described_jpeg(**EVERYTHING)).image.tobytes() == plain.tobytes()
