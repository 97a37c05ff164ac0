"""Documents that are zip archives: which kind one is, and whether it may be opened at all."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from schemas.errors import DecodeError, SourceTooLarge, UnsupportedFormat

if TYPE_CHECKING:
    from zipfile import ZipInfo

    from lxml import etree

    from ingest.decode.limits import Limits

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
EPUB = "application/epub+zip"

_NAMES = {DOCX: "Word document", PPTX: "PowerPoint presentation", EPUB: "EPUB book"}
_ZIP_START = b"PK\x03\x04"
_OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The compound file that Office used before 2007, and still uses around an encrypted document."""

_MEMBER_MARK = b"PK\x01\x02"
_MAX_MEMBERS = 20_000
_MAX_RATIO = 200
"""Unpacked over packed; office documents of plain repetition reach about 50."""

_FREE_BYTES = 10_000_000
"""So much unpacks to any ratio: a small document of blank pages is no bomb."""

_MAX_TAGS = 10_000_000
"""Of all XML together: a parsed element takes a hundred bytes and more, however short its name."""

_XML = re.compile(r"\.(xml|rels|opf|xhtml|html?)$", re.IGNORECASE)
_DOCTYPES = tuple("<!DOCTYPE".encode(codec) for codec in ("ascii", "utf-16-le", "utf-16-be"))
_RESTORE = "restore it from a good copy or remove it"


def is_package(content: bytes) -> bool:
    """Whether the first bytes are those of a zip archive or of an old Office file."""
    return content.startswith((_ZIP_START, _OLE_START))


def sniff_package(content: bytes) -> str | None:
    """The media type of a zip archive by what is in it; None when it is no document we read."""
    if not content.startswith(_ZIP_START):
        return None
    if content[30:38] == b"mimetype" and content[38 : 38 + len(EPUB)] == EPUB.encode():
        return EPUB
    try:
        with ZipFile(BytesIO(content)) as package:
            names = set(package.namelist()) if _count_members(content) <= _MAX_MEMBERS else set()
    except (BadZipFile, ValueError, NotImplementedError, OSError):
        return None
    for name, media_type in (
        ("word/document.xml", DOCX),
        ("ppt/presentation.xml", PPTX),
        ("META-INF/container.xml", EPUB),
    ):
        if name in names:
            return media_type
    return DOCX if any(name.startswith("word/") for name in names) else None


def open_package(content: bytes, source_uri: str, media_type: str, limits: Limits) -> ZipFile:
    """Open a document that is a zip archive, once it is known to be harmless.

    What the central directory says of sizes is binding: Python's reader hands out no byte beyond
    the size that a member declares, and checks its sum.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        media_type: What it should be.
        limits: What is too large.

    Raises:
        DecodeError: It is damaged, encrypted or has a document type definition, which may
            stand for anything.
        SourceTooLarge: It would unpack to more than allowed.
        UnsupportedFormat: It is of the binary kind that Office wrote before 2007.
    """
    if content.startswith(_OLE_START):
        raise _to_old_office(content, source_uri)
    if _count_members(content) > _MAX_MEMBERS:
        raise SourceTooLarge(source_uri, f"more than {_MAX_MEMBERS:,} packed files; split it")
    try:
        package = ZipFile(BytesIO(content))
    except (BadZipFile, ValueError, NotImplementedError, OSError) as error:
        name = _NAMES[media_type]
        raise DecodeError(
            source_uri, f"damaged, truncated or no {name} ({error}); {_RESTORE}"
        ) from error
    _check_members(package.infolist(), len(content), source_uri, limits)
    _check_xml(package, source_uri, media_type)
    return package


def parse_xml(xml: bytes, name: str, source_uri: str) -> etree._Element:
    """The root of a file in a package; nothing is fetched and no entity is replaced.

    Raises:
        DecodeError: See :func:`refuse_definitions`.
    """
    from lxml import etree

    refuse_definitions(xml, name, source_uri)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(xml, parser)


def refuse_definitions(xml: bytes, name: str, source_uri: str) -> None:
    """Raise for XML with a document type definition, which may stand for anything.

    Raises:
        DecodeError: It has one.
    """
    if any(doctype in xml for doctype in _DOCTYPES):
        raise DecodeError(
            source_uri,
            f"{name!r} has a document type definition, as no document should; "
            "save it anew or remove it",
        )


def _count_members(content: bytes) -> int:
    """At least as many as there are; found without building a list of them."""
    return content.count(_MEMBER_MARK)


def _check_members(
    members: list[ZipInfo], packed_bytes: int, source_uri: str, limits: Limits
) -> None:
    """Refuse before anything is unpacked what is encrypted or would unpack to too much."""
    if any(member.flag_bits & 1 for member in members):
        raise DecodeError(source_uri, "the document needs a password; save it without one")
    if any(member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for member in members):
        # Python unpacks a whole block of the other methods, whatever size was declared.
        raise DecodeError(source_uri, f"packed by a method that documents do not use; {_RESTORE}")
    total_bytes = sum(member.file_size for member in members)
    if total_bytes > limits.max_unpacked_bytes:
        raise SourceTooLarge(
            source_uri,
            f"unpacks to {total_bytes:,} bytes, over the limit of "
            f"{limits.max_unpacked_bytes:,}; split it",
        )
    if total_bytes > max(_FREE_BYTES, packed_bytes * _MAX_RATIO):
        raise SourceTooLarge(
            source_uri,
            f"{packed_bytes:,} bytes unpack to {total_bytes:,}, as no document does; remove it",
        )


def _check_xml(package: ZipFile, source_uri: str, media_type: str) -> None:
    """Refuse more tags than memory should hold, and definitions where none may be."""
    tags = 0
    for member in package.infolist():
        if not _XML.search(member.filename):
            continue
        xml = package.read(member)
        tags += xml.count(b"<")
        if tags > _MAX_TAGS:
            raise SourceTooLarge(source_uri, f"more than {_MAX_TAGS:,} XML tags; split it")
        if media_type != EPUB:  # every chapter of a book begins with one
            refuse_definitions(xml, member.filename, source_uri)


def _to_old_office(content: bytes, source_uri: str) -> DecodeError | UnsupportedFormat:
    """What to say of a compound file, by the names of the streams in it."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        return DecodeError(source_uri, "the document needs a password; save it without one")
    for stream, kind, better in (
        ("WordDocument", "Word file", ".docx"),
        ("PowerPoint Document", "PowerPoint file", ".pptx"),
    ):
        if stream.encode("utf-16-le") in content:
            return UnsupportedFormat(
                source_uri, f"a {kind} of the kind before 2007; save it as {better}"
            )
    return UnsupportedFormat(
        source_uri, "an Office file of the kind before 2007; save it as .docx or .pptx"
    )
