"""What a photograph says about itself: title, caption, keywords, when and where it was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text, to_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.records import Place

_MAX_TITLE_CHARS = 300
_MAX_CAPTION_CHARS = 2_000
"""IPTC IIM 4.2 gives a caption 2,000 bytes; XMP sets no limit."""

_MAX_KEYWORDS = 100
_MAX_KEYWORD_CHARS = 64
"""IPTC IIM 4.2 gives a keyword 64 bytes."""

_READ_AHEAD = 4
"""White space and control characters are many in a field; this many times its limit is read."""

_BOILERPLATE = re.compile(
    # Cameras and programs that fill the field by themselves, as seen in photograph collections.
    r"<?(?-i:(?:[A-Z]+ )*DIGITAL (?:STILL )?CAMERA)>?|dcim[\\/]\S*"
    r"|samsung camera pictures?|sony dsc|dsc[-_ ]?\d*|default"
    r"|exif[-_ ]jpeg(?:[-_ ]\w)?(?:[-_ ]picture)?|jpe?g|dcf 1\.0"
    r"|untitled(?:[-_ ]?\d*)?|<?(?:digimax|kenox)[^>]*>?|lead technologies inc\..*|ascii|picasa"
    r"|(?:creat|edit)ed with (?:the )?gimp|my beautiful picture|image description|binary comment"
    # Shooting modes that Huawei and Honor write.
    r"|(?:oz(?:ed|no))?r?(?:cof|cosf|hdr|hdrpl|dav|nor|edf|mde|ptr|sdr|btf|fbt|vhdr_\w+)"
    r"(?:_?(?:cof|soft|vivi))?"
    # Descriptions for programs: tifffile, ImageJ, OME.
    r"|\{\"shape\":.*|imagej=.*|shape=\(.*|<\?xml .*|<ome[ >].*",
    re.IGNORECASE | re.DOTALL,
)
"""What is no title and no caption, whole; white space is one space."""

_UNDATED = re.compile(r"[\s0:/-]*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class PhotoMetadata:
    """What one block of metadata, or all of a file's together, say.

    Attributes:
        title: One line of at most 300 characters.
        caption: At most 2,000 characters, with line ends.
        keywords: At most 100 of at most 64 characters, each once, in order.
        taken_at: When the photograph was taken, ISO 8601: a moment, or a day alone.
        digitized_at: When the file came to be, likewise.
        place: Where the photograph was taken.
    """

    title: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()
    taken_at: str | None = None
    digitized_at: str | None = None
    place: Place | None = None


def merge(blocks: Iterable[PhotoMetadata]) -> PhotoMetadata:
    """Each field from the first block that has it; ``digitized_at`` where none has ``taken_at``."""
    ordered = list(blocks)
    digitized_at = next((one.digitized_at for one in ordered if one.digitized_at), None)
    return PhotoMetadata(
        title=next((one.title for one in ordered if one.title), None),
        caption=next((one.caption for one in ordered if one.caption), None),
        keywords=next((one.keywords for one in ordered if one.keywords), ()),
        taken_at=next((one.taken_at for one in ordered if one.taken_at), digitized_at),
        digitized_at=digitized_at,
        place=next((one.place for one in ordered if one.place), None),
    )


def to_photo_title(text: str | None) -> str | None:
    """One line, or None when nothing of meaning is left."""
    title = to_title((text or "")[: _MAX_TITLE_CHARS * _READ_AHEAD], _MAX_TITLE_CHARS)
    return None if title is None or _is_boilerplate(title) else title


def to_caption(text: str | None) -> str | None:
    """Normal text, or None when nothing of meaning is left."""
    caption = to_normal_text((text or "")[: _MAX_CAPTION_CHARS * _READ_AHEAD]).strip()
    caption = caption[:_MAX_CAPTION_CHARS].rstrip()
    return None if not caption or _is_boilerplate(caption) else caption


def to_keywords(texts: Iterable[str]) -> tuple[str, ...]:
    """One line each, the first spelling of those that differ in case alone."""
    found: dict[str, str] = {}
    for text in texts:
        keyword = to_title(text[: _MAX_KEYWORD_CHARS * _READ_AHEAD], _MAX_KEYWORD_CHARS)
        if keyword:
            found.setdefault(keyword.casefold(), keyword)
        if len(found) == _MAX_KEYWORDS:
            break
    return tuple(found.values())


def to_moment(text: str | None) -> str | None:
    """ISO 8601 without fractions of a second from any spelling of it, else None.

    A year or a month alone is None: what searches by time needs a day.
    """
    stripped = (text or "").strip("\0 \n\t")[:40]
    if _UNDATED.fullmatch(stripped):
        return None
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        return None
    if _DAY.fullmatch(stripped):
        return stripped
    return moment.replace(microsecond=0).isoformat()


def _is_boilerplate(text: str) -> bool:
    return _BOILERPLATE.fullmatch(" ".join(text.split())) is not None
