"""What bytes without a name are, by how they begin."""

from __future__ import annotations

from io import BytesIO
from zipfile import BadZipFile, ZipFile

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"%PDF-", "application/pdf"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_HEIF_BRANDS = frozenset({b"mif1", b"msf1"})
_OFFICE = "application/vnd.openxmlformats-officedocument"
_PACKAGES = {
    "word/document.xml": f"{_OFFICE}.wordprocessingml.document",
    "ppt/presentation.xml": f"{_OFFICE}.presentationml.presentation",
    "META-INF/container.xml": "application/epub+zip",
}
_BMP_HEADER_BYTES = frozenset({12, 40, 52, 56, 64, 108, 124})
_MAX_MEMBERS = 20_000


def sniff_media_type(content: bytes) -> str | None:
    """The media type of an image, a PDF, an office document or an EPUB book; None for others.

    Only tells them apart: decoding finds out whether the bytes hold what they promise.
    """
    for signature, media_type in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return _sniff_box(content)
    # "BM" alone begins many a text; the size of the header behind it is one of seven.
    if content[:2] == b"BM" and int.from_bytes(content[14:18], "little") in _BMP_HEADER_BYTES:
        return "image/bmp"
    return _sniff_package(content) if content.startswith(b"PK\x03\x04") else None


def _sniff_box(content: bytes) -> str | None:
    """AVIF and HEIF share a container: the brands in its first box tell them apart."""
    end = min(int.from_bytes(content[:4], "big"), 256)
    brands = {content[start : start + 4] for start in (8, *range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return "image/avif"
    if brands & _HEIC_BRANDS:
        return "image/heic"
    return "image/heif" if brands & _HEIF_BRANDS else None


def _sniff_package(content: bytes) -> str | None:
    if content.count(b"PK\x01\x02") > _MAX_MEMBERS:
        return None
    try:
        with ZipFile(BytesIO(content)) as package:
            names = set(package.namelist())
    except (BadZipFile, ValueError, NotImplementedError, OSError):
        return None
    return next((kind for member, kind in _PACKAGES.items() if member in names), None)
