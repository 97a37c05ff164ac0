"""Photographs that say something about themselves, in every block that can."""

from __future__ import annotations

import struct
from hashlib import md5
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tests.hostile_images import encoded, picture
from tests.raw_images import Field, TiffWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UTF8_MARK = (1, 90, b"\x1b%G")

_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


def exif(fields: Mapping[int, bytes], dates: Mapping[int, bytes] | None = None) -> bytes:
    """An EXIF block with these text fields, and these in its photograph's directory."""
    tiff = TiffWriter()
    first = [Field(tag, 1 if tag > 40_000 else 2, value) for tag, value in fields.items()]
    if dates:
        inner = [Field(tag, 2, value) for tag, value in dates.items()]
        first.append(Field(34665, 4, (tiff.write_directory(inner),)))
    return b"Exif\0\0" + tiff.finish(first)


def iptc(datasets: Iterable[tuple[int, int, bytes]]) -> bytes:
    """An IIM block of record, dataset and value."""
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(value)) + value
        for record, number, value in datasets
    )


def xmp(body: str, attributes: str = "") -> bytes:
    """A packet whose one description holds these elements and attributes."""
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF {names}><rdf:Description rdf:about="" {attributes}>{body}</rdf:Description>'
        f'</rdf:RDF></x:xmpmeta>{" " * 200}<?xpacket end="w"?>'
    ).encode()


def items(name: str, kind: str, texts: Iterable[str]) -> str:
    """A property of several values, in no language."""
    listed = "".join(f"<rdf:li>{escape(text)}</rdf:li>" for text in texts)
    return f"<{name}><rdf:{kind}>{listed}</rdf:{kind}></{name}>"


def described_jpeg(
    *,
    exif_block: bytes = b"",
    xmp_packet: bytes = b"",
    iptc_block: bytes = b"",
    digest_of: bytes | None = None,
) -> bytes:
    """A JPEG with these blocks, and the digest that Photoshop would leave of an IPTC block."""
    segments = b""
    if exif_block:
        segments += _segment(0xE1, exif_block)
    if xmp_packet:
        segments += _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp_packet)
    if iptc_block:
        resources = _resource(0x0404, iptc_block)
        if digest_of is not None:
            resources += _resource(0x0425, md5(digest_of, usedforsecurity=False).digest())
        segments += _segment(0xED, b"Photoshop 3.0\0" + resources)
    sound = encoded(picture(), "JPEG", quality=95, subsampling=0)
    return sound[:2] + segments + sound[2:]


def described_tiff(*fields: Field, dates: Mapping[int, bytes]) -> bytes:
    """A white TIFF of 8 x 8 pixels with these fields, and these dates."""
    tiff = TiffWriter()
    pixels = bytes([255]) * 64
    inner = [Field(tag, 2, value) for tag, value in dates.items()]
    numbers = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: tiff.write(pixels), 277: 1}
    first = [Field(tag, 4, (value,)) for tag, value in {**numbers, 278: 8, 279: 64}.items()]
    directory = Field(34665, 4, (tiff.write_directory(inner),))
    return tiff.finish([*first, directory, *fields])


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _resource(number: int, body: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHL", number, 0, len(body)) + body + bytes(len(body) % 2)
