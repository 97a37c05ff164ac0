"""Documents that break careless readers, made from nothing: name -> content and its due end."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from tests.hostile_images import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROSE = "The heron stands in the shallow water. It waits for a fish; it does not move at all. "
FRENCH = "L'été, la forêt dorée s'éveille à l'aube ; où êtes-vous, chère âme égarée, là-bas ? "


def to_pdf(pages: Sequence[str], *, title: str = "", encrypted: bool = False) -> bytes:
    """A small PDF with a line of Latin-1 text for each line of a page."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for page in pages:
        lines = b" ".join(b"(%b) Tj T*" % line.encode("latin-1") for line in page.split("\n"))
        drawing = b"BT /F1 12 Tf 72 720 Td 14 TL %b ET" % lines
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawing), drawing))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(kids), b" ".join(kids))
    objects.append(b"<< /Title (%b) >>" % title.encode("latin-1"))
    trailer = b"/Root 1 0 R /Info %d 0 R" % len(objects)
    if encrypted:
        keys = b"/O <%b> /U <%b>" % (b"ab" * 32, b"cd" * 32)
        objects.append(b"<< /Filter /Standard /V 1 /R 2 /P -4 %b >>" % keys)
        trailer += b" /Encrypt %d 0 R /ID [<00> <00>]" % len(objects)
    return _with_table(objects, trailer)


def _with_table(objects: Sequence[bytes], trailer: bytes) -> bytes:
    """The file around the objects: header, cross-reference table, trailer."""
    content = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(b"%010d 00000 n \n" % len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, b"".join(offsets))
    ending = b"trailer << /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, len(content))
    return content + table + ending


def iter_sound() -> Iterator[tuple[str, bytes]]:
    """Odd, but each of them says something."""
    yield "plain.txt", PROSE.encode()
    yield "one_line_of_2_MB.txt", (PROSE * 24_000).encode()[:2_000_000]
    yield "one_word_of_2_MB.txt", b"x" * 2_000_000
    yield "utf8_mark.txt", ("\ufeff" + FRENCH).encode()
    yield "utf16.txt", (FRENCH * 3).encode("utf-16")
    yield "utf16_be.txt", ("\ufeff" + FRENCH).encode("utf-16-be")
    yield "utf16_unmarked.txt", PROSE.encode("utf-16-le")
    yield "utf32.txt", FRENCH.encode("utf-32")
    yield "windows1252.txt", FRENCH.encode("cp1252")
    yield "windows1251.txt", ("Цапля стоит в мелкой воде и ждёт рыбу. " * 5).encode("cp1251")
    yield "shift_jis.txt", ("鷺は浅い水の中に立ち、魚を待つ。" * 5).encode("cp932")
    yield "a_few_nuls.txt", b"heron\0 stands\0 " + PROSE.encode()
    yield "lone_surrogate.txt", FRENCH.encode() * 4 + b"\xed\xa0\x80 end"
    yield "cut_in_a_character.txt", (FRENCH * 4).encode() + "é".encode()[:1]
    yield "escapes.txt", b"\x1b[31mred\x1b[0m alert " + PROSE.encode()
    yield "line_ends.txt", b"one\rtwo\r\nthree\n\x0cfour"
    yield "marks.txt", ("a" + "\u0300\u0316" * 50_000 + " end").encode()
    yield "right_to_left.txt", "\u202e\u05e9\u05dc\u05d5\u05dd\u202c (peace)".encode()
    yield "brackets.md", b"[" * 200_000
    yield "front_matter_only_opens.md", b"---\ntitle: " + b" " * 200_000 + b"x\n"
    yield "comments.md", b"# Title\n\n" + b"<!--" * 100_000
    yield "list_of_100000.md", b"- a\n" * 100_000
    yield "deep_list.md", b"".join(b"  " * i + b"- %d items deep\n" % i for i in range(400))
    yield "deep_quote.md", b"> " * 40 + b"words of another\n"
    yield "deep.html", _nested(100_000, b"found")
    yield "spans.html", b"<html><body>" + b"<span>a</span> " * 100_000
    yield "unclosed.html", b"<html><body><p>text" + b"<script>" * 5_000
    yield "entities.xhtml", _laughs()
    yield "meta_charset.html", _meta("windows-1252") + FRENCH.encode("cp1252")
    yield "meta_of_a_codec_that_is_none.html", _meta("idna") + FRENCH.encode("cp1252") * 3
    yield "a_page_in_truth.txt", b"<!DOCTYPE html><html><body><p>found</p></body></html>"
    yield "a_pdf_in_truth.txt", to_pdf([PROSE])
    yield "three_pages.pdf", to_pdf(["One page.", "", "Three pages."], title="A title")
    yield "garbage_behind.pdf", to_pdf([PROSE]) + bytes(5_000)


def iter_unsound() -> Iterator[tuple[str, bytes, str]]:
    """Name, content and the class of error it must end as."""
    yield "empty.txt", b"", "DecodeError"
    yield "blank.txt", b" \n\t\r\n " * 100, "DecodeError"
    yield "only_nuls.txt", bytes(10_000), "DecodeError"
    yield "only_a_mark.txt", b"\xff\xfe", "DecodeError"
    yield "picture.txt", encoded(picture(), "PNG"), "DecodeError"
    yield "every_byte.md", bytes(range(256)) * 50, "DecodeError"
    yield "compressed.html", gzip.compress(PROSE.encode() * 9, mtime=0), "DecodeError"
    yield "empty.md", b"", "DecodeError"
    yield "front_matter_alone.md", b"---\nlayout: none\n---\n", "DecodeError"
    yield "nothing_shown.html", b"<html><script>var a = 1</script></html>", "DecodeError"
    yield "empty.pdf", b"", "DecodeError"
    yield "half.pdf", to_pdf([PROSE] * 3)[:300], "DecodeError"
    yield "head_only.pdf", b"%PDF-1.7\n", "DecodeError"
    yield "text.pdf", PROSE.encode(), "DecodeError"
    yield "encrypted.pdf", to_pdf([PROSE], encrypted=True), "DecodeError"
    yield "scanned.pdf", to_pdf(["", ""]), "DecodeError"
    yield "no_page.pdf", to_pdf([]), "DecodeError"
    yield "page_bomb.pdf", _page_bomb(), "SourceTooLarge"


def _nested(depth: int, text: bytes) -> bytes:
    return b"<html><body>" + b"<div>" * depth + text + b"</div>" * depth


def _meta(charset: str) -> bytes:
    return f'<html><head><meta charset="{charset}"></head><body><p>'.encode()


def _laughs() -> bytes:
    """A billion laughs: each entity stands for ten of the one before."""
    entities = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(1, 10))
    page = "<html><body><p>&l10; found</p></body></html>"
    return f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY l1 "ha">{entities}]>{page}'.encode()


def _page_bomb() -> bytes:
    """One page that the page tree shows 20,000 times."""
    content = to_pdf(["text"])
    return content.replace(
        b"/Count 1 /Kids [5 0 R]", b"/Count 20000 /Kids [%b]" % (b"5 0 R " * 20_000)
    )
