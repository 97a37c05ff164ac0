"""What Word documents and PowerPoint presentations have in common."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ingest.decode.characters import to_title
from ingest.decode.dates import to_iso_date
from ingest.decode.language import to_language_tag
from ingest.decode.packages import open_package, parse_xml
from ingest.decode.relationships import to_mended

if TYPE_CHECKING:
    from zipfile import ZipFile

    from ingest.decode.limits import Limits

_CORE = "docProps/core.xml"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
V = "{urn:schemas-microsoft-com:vml}"
"""Namespaces of ECMA-376, as lxml writes them before a name."""


@dataclass(frozen=True, slots=True)
class CoreProperties:
    """What an office document says of itself.

    Attributes:
        title: On one line.
        language: BCP 47.
        created_at: ISO 8601.
    """

    title: str | None = None
    language: str | None = None
    created_at: str | None = None


def open_office(
    content: bytes, source_uri: str, media_type: str, limits: Limits
) -> tuple[BytesIO, CoreProperties]:
    """Check that an office document is harmless.

    Returns:
        The document as its library can open it, and what it says of itself: the libraries make up
        properties where there are none.

    Raises:
        SourceError: See :func:`ingest.decode.packages.open_package`.
    """
    with open_package(content, source_uri, media_type, limits) as package:
        properties = _read_core(package, source_uri)
        return BytesIO(to_mended(content, package, source_uri)), properties


def _read_core(package: ZipFile, source_uri: str) -> CoreProperties:
    if _CORE not in package.namelist():
        return CoreProperties()
    root = parse_xml(package.read(_CORE), _CORE, source_uri)
    return CoreProperties(
        to_title(root.findtext(f"{_DC}title")),
        to_language_tag(root.findtext(f"{_DC}language")),
        to_iso_date(root.findtext(f"{_TERMS}created")),
    )
