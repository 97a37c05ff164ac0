"""Which files are listed, by extension: their media type and modality.

An extension only decides that a file is listed and which modality its point has; what is in the
file is decided by its bytes (:mod:`ingest.decode`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPES: Mapping[str, str] = {
    ".apng": "image/apng",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jfif": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".htm": "text/html",
    ".html": "text/html",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".text": "text/plain",
    ".txt": "text/plain",
    ".xhtml": "application/xhtml+xml",
}
"""Lower-case extension -> media type."""


def to_modality(media_type: str) -> Modality:
    """The panel that a supported media type belongs to."""
    return Modality.IMAGE if media_type.startswith("image/") else Modality.TEXT
