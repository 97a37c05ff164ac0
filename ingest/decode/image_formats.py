"""Which image format a file is of, by its first bytes."""

from __future__ import annotations

# Pillow finds a format only once its plug-in is imported, and imports all 40 to look for one.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from ingest.decode.raw import is_raw
from schemas.errors import UnsupportedFormat

SUPPORTED = "JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF, HEIF and the RAW formats of cameras"
"""The allow-list, in words."""

RAW = "RAW"
"""Every RAW format; Pillow reads none."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def to_image_format(content: bytes, source_uri: str) -> str:
    """Pillow's name of the format, or :data:`RAW`.

    Raises:
        UnsupportedFormat: It is none of the allow-list, whatever the file is called.
    """
    found = _sniff(content)
    if found is None:
        raise UnsupportedFormat(
            source_uri, f"not an image of a supported format ({SUPPORTED}); convert or remove it"
        )
    if found == "HEIF":
        _ensure_heif(source_uri)
    return found


def _sniff(content: bytes) -> str | None:
    if is_raw(content):
        return RAW
    for signature, name in _SIGNATURES:
        if content.startswith(signature):
            return name
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return _sniff_box(content) if content[4:8] == b"ftyp" else None


def _sniff_box(content: bytes) -> str | None:
    """AVIF and HEIF share a container: the brands in its first box tell them apart."""
    end = min(int.from_bytes(content[:4], "big"), 256)
    brands = {content[start : start + 4] for start in (8, *range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def _ensure_heif(source_uri: str) -> None:
    """Register the plug-in; doing so again is harmless."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise UnsupportedFormat(
            source_uri, "a HEIF image needs the extra `heif`: pip install 'diptych[heif]'"
        ) from error
    register_heif_opener()
