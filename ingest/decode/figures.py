"""The figures of a document: which of its pictures are kept."""

from __future__ import annotations

import logging
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from hashlib import blake2b
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from ingest.decode.characters import to_title
from ingest.decode.document import Figure
from ingest.decode.seam import silenced_pillow

if TYPE_CHECKING:
    from ingest.decode.limits import Limits

_LOG = logging.getLogger(__name__)

_MAX_CAPTION_CHARS = 500
_LINKED_TYPES = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), "image/jpeg"),
    **dict.fromkeys(("tif", "tiff"), "image/tiff"),
    **dict.fromkeys(("heic", "heif"), "image/heif"),
    **{name: f"image/{name}" for name in ("apng", "avif", "bmp", "gif", "png", "webp")},
}
_ANY_IMAGE = "image/*"
_UNREADABLE_TYPES = frozenset({"svg", "svgz", "emf", "wmf", "eps", "pdf"})
"""Extensions of drawings, which no image decoder here reads."""

_FILE_NAME = re.compile(r"\S+\.(?:bmp|emf|gif|jpe?g|png|svg|tiff?|webp|wmf)", re.IGNORECASE)


def to_caption(text: str | None) -> str | None:
    """A caption on one line of at most 500 characters."""
    return to_title(text, _MAX_CAPTION_CHARS)


def to_description(text: str | None) -> str | None:
    """An alt text likewise; None for the name of a file, which some programs put there."""
    line = to_caption(text)
    return None if line is None or _FILE_NAME.fullmatch(line) else line


class Figures:
    """Collects the figures of one document, in its order.

    Left out are images that are too small, repeated, in a format that is not read, or over a
    limit; the last two are counted in a warning by :meth:`finish`.

    Attributes:
        wanted: Whether figures were asked for; if not, readers need not look for any.
    """

    def __init__(self, source_uri: str, limits: Limits, *, wanted: bool = True) -> None:
        """Begin with none.

        Args:
            source_uri: What the warning calls the document.
            limits: Which and how many are kept.
            wanted: See the class.
        """
        self.wanted = wanted
        self._source_uri = source_uri
        self._limits = limits
        self._figures: list[Figure] = []
        self._seen: set[bytes] = set()
        self._left_out: Counter[str] = Counter()
        self._total_bytes = 0
        self._is_over_bytes = False

    @property
    def has_any(self) -> bool:
        """Whether one was kept by now."""
        return bool(self._figures)

    @property
    def is_full(self) -> bool:
        """Whether no further image file is kept; whoever makes them can stop then."""
        return self._is_over_bytes or len(self._figures) >= self._limits.max_figures

    def is_new(self, content: bytes) -> bool:
        """Whether the document had no such content before; remembers it."""
        digest = blake2b(content, digest_size=16).digest()
        if digest in self._seen:
            return False
        self._seen.add(digest)
        return True

    def is_large_enough(self, width_pixels: int, height_pixels: int) -> bool:
        """Whether it is more than a bullet, a rule or a spacer."""
        return self._limits.admits_figure(width_pixels, height_pixels)

    def leave_out(self, reason: str) -> None:
        """Count one that is not kept."""
        self._left_out[reason] += 1

    def leave_out_surplus(self) -> None:
        """Count one that there is no more room for."""
        limits = self._limits
        if self._is_over_bytes:
            self.leave_out(f"beyond {limits.max_unpacked_bytes:,} bytes of figures")
        else:
            self.leave_out(f"beyond {limits.max_figures:,} figures")

    def add(
        self,
        content: bytes,
        *,
        page: int | None = None,
        caption: str | None = None,
        alt_text: str | None = None,
        start_char: int | None = None,
    ) -> None:
        """Keep an image file, unless the class says that it is left out."""
        if not self.is_new(content):
            return
        measured = _measure(content)
        if measured is None:
            self.leave_out("of a kind that is not read")
            return
        media_type, width_pixels, height_pixels = measured
        if not self.is_large_enough(width_pixels, height_pixels):
            return
        self._total_bytes += len(content)
        self._is_over_bytes |= self._total_bytes > self._limits.max_unpacked_bytes
        self._keep(
            Figure(
                content, media_type, page, to_caption(caption), to_description(alt_text), start_char
            )
        )

    def add_link(
        self,
        location: str,
        *,
        caption: str | None = None,
        alt_text: str | None = None,
        start_char: int | None = None,
    ) -> None:
        """Keep what a document links: decoded when it is a ``data:`` URI, else as its location."""
        location = location.strip()
        if location[:5].lower() == "data:":
            content = _decode_data_uri(location)
            self.add(content, caption=caption, alt_text=alt_text, start_char=start_char)
        elif location and self.is_new(b"link:" + location.encode("utf-8", "replace")):
            self._keep_link(location, to_caption(caption), to_description(alt_text), start_char)

    def finish(self) -> tuple[Figure, ...]:
        """All that were kept; warns of those that were not, when there are any."""
        for reason, count in sorted(self._left_out.items()):
            _LOG.warning("%s: %s images left out, %s", self._source_uri, f"{count:,}", reason)
        return tuple(self._figures)

    def _keep_link(
        self, location: str, caption: str | None, alt_text: str | None, start_char: int | None
    ) -> None:
        extension = _to_extension(location)
        if extension in _UNREADABLE_TYPES:
            self.leave_out("of a kind that is not read")
            return
        media_type = _LINKED_TYPES.get(extension, _ANY_IMAGE)
        self._keep(Figure(b"", media_type, None, caption, alt_text, start_char, location))

    def _keep(self, figure: Figure) -> None:
        if self.is_full:
            self.leave_out_surplus()
        else:
            self._figures.append(figure)


def _measure(content: bytes) -> tuple[str, int, int] | None:
    """Media type, width and height of an image by its header; None when it is none we read."""
    from PIL import Image

    from ingest.decode.image_formats import to_image_format

    try:
        file_format = to_image_format(content, "")
        with silenced_pillow():
            width, height = Image.open(BytesIO(content), formats=(file_format,)).size
    except Exception:  # noqa: BLE001 - on hostile bytes Pillow raises about anything
        return None
    return f"image/{file_format.lower()}", width, height


def _to_extension(location: str) -> str:
    try:
        path = urlsplit(location).path
    except ValueError:  # a malformed host
        return ""
    return PurePosixPath(path).suffix[1:].lower()


def _decode_data_uri(location: str) -> bytes:
    """What a ``data:`` URI (RFC 2397) holds; empty when it is malformed."""
    head, _, payload = location.partition(",")
    content = unquote_to_bytes(payload)
    if not head.lower().rstrip().endswith(";base64"):
        return content
    try:
        return b64decode(b"".join(content.split()), validate=False)
    except (Base64Error, ValueError):
        return b""
