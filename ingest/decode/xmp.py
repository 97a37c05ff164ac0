"""What an XMP packet says about a photograph; never a reason to fail."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from typing import TYPE_CHECKING

from ingest.decode.gps import to_xmp_place
from ingest.decode.photo_metadata import (
    PhotoMetadata,
    to_caption,
    to_keywords,
    to_moment,
    to_photo_title,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

_DC = "{http://purl.org/dc/elements/1.1/}"
_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

_MAX_PACKET_BYTES = 1_000_000
"""Editing histories make packets long; what is read here stands near the beginning."""


def read_xmp(packet: object) -> PhotoMetadata:
    """Title, caption, keywords and dates of a packet of bytes or characters.

    lxml reads it, because the base install has it (Pillow's own ``getxmp`` needs defusedxml). A
    packet with a document type is passed over: XMP has none, and entities are what attacks by XML
    are made of. Nothing is ever fetched.
    """
    content = packet.encode("utf-8", "replace") if isinstance(packet, str) else packet
    if not isinstance(content, bytes) or not content.strip(b"\0 \r\n\t"):
        return PhotoMetadata()
    with suppress(Exception):  # malformed XML raises about anything
        return _read(content[:_MAX_PACKET_BYTES])
    return PhotoMetadata()


def _read(packet: bytes) -> PhotoMetadata:
    descriptions = list(_iter_descriptions(packet))
    return PhotoMetadata(
        title=to_photo_title(_first(descriptions, f"{_DC}title"))
        or to_photo_title(_first(descriptions, f"{_PHOTOSHOP}Headline")),
        caption=to_caption(_first(descriptions, f"{_DC}description")),
        keywords=to_keywords(_iter_values(descriptions, f"{_DC}subject")),
        taken_at=to_moment(_first(descriptions, f"{_PHOTOSHOP}DateCreated"))
        or to_moment(_first(descriptions, f"{_EXIF}DateTimeOriginal")),
        digitized_at=to_moment(_first(descriptions, f"{_EXIF}DateTimeDigitized"))
        or to_moment(_first(descriptions, f"{_XMP}CreateDate")),
        place=to_xmp_place(
            _first(descriptions, f"{_EXIF}GPSLatitude"),
            _first(descriptions, f"{_EXIF}GPSLongitude"),
        ),
    )


def _iter_descriptions(packet: bytes) -> Iterator[Element]:
    """The file's own statements; nested ones are about its ingredients."""
    text = packet.decode(_find_encoding(packet), "replace").strip("\ufeff\0 \r\n\t")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return
    from lxml import etree

    parser = etree.XMLParser(
        encoding="utf-8",  # whatever the packet declares
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    rdf = root if root.tag == f"{_RDF}RDF" else root.find(f"{_RDF}RDF")
    yield from () if rdf is None else rdf.iterfind(f"{_RDF}Description")


def _find_encoding(packet: bytes) -> str:
    """UTF-8, which is asked for in most formats, or UTF-16 by its NULs and its mark."""
    if packet.startswith(BOM_UTF16_BE) or packet[:1] == b"\0":
        return "utf-16-be"
    is_little_endian = packet.startswith(BOM_UTF16_LE) or packet[1:2] == b"\0"
    return "utf-16-le" if is_little_endian else "utf-8"


def _first(descriptions: list[Element], name: str) -> str | None:
    return next(_iter_values(descriptions, name), None)


def _iter_values(descriptions: list[Element], name: str) -> Iterator[str]:
    """A property's values: its attribute, its text, or its items, the default language first."""
    for description in descriptions:
        if attribute := description.get(name):
            yield attribute
        for element in description.iterfind(name):
            items = list(element.iterfind(f"*/{_RDF}li"))
            items.sort(key=lambda item: item.get(_LANGUAGE) != "x-default")
            yield from (item.text or "" for item in items or [element])
