"""All that a photograph's metadata say, reconciled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.decode.exif import read_exif, read_windows_tags
from ingest.decode.iptc import read_iptc
from ingest.decode.photo_metadata import PhotoMetadata, merge, to_caption, to_photo_title
from ingest.decode.xmp import read_xmp

if TYPE_CHECKING:
    from PIL.Image import Image


def read_metadata(image: Image) -> PhotoMetadata:
    """Title, caption, keywords and moment of an image whose pixels are loaded.

    The order is that of the Metadata Working Group's guidelines (2.0): EXIF, then XMP,
    then IPTC IIM; IIM before XMP where it was edited after XMP. Behind them, which the guidelines
    do not treat, come the tags of the Windows Explorer and the text chunks of a PNG.
    """
    iptc, is_newer = read_iptc(image)
    xmp = read_xmp(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))
    standard = (iptc, xmp) if is_newer else (xmp, iptc)
    return merge((read_exif(image), *standard, read_windows_tags(image), _read_png_text(image)))


def _read_png_text(image: Image) -> PhotoMetadata:
    """The keywords Title and Description of the PNG specification (11.3.3.2)."""
    if image.format != "PNG":
        return PhotoMetadata()
    title, description = image.info.get("Title"), image.info.get("Description")
    return PhotoMetadata(
        title=to_photo_title(title) if isinstance(title, str) else None,
        caption=to_caption(description) if isinstance(description, str) else None,
    )
