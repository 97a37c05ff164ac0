"""The images of a PDF as image files."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ingest.decode.passages import to_line
from ingest.decode.pdf_captions import choose_caption, find_captions
from ingest.decode.pdf_structure import find_alt_texts
from ingest.decode.seam import silenced_pillow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image
    from pypdfium2 import PdfBitmap, PdfImage, PdfPage, PdfTextPage

    from ingest.decode.figures import Figures
    from ingest.decode.limits import Limits
    from ingest.decode.pdf_captions import Caption

_MASKED = re.compile(rb"/(?:SMask|Mask)\s*(?:\d+\s+\d+\s+R|\[)")
"""An image's own mask. The dictionaries of images are never compressed, so a PDF that does not
have this anywhere has no masked image."""

_JPEG_MODES = frozenset({"L", "RGB"})
_OPAQUE = 255
_WHOLE_PAGE = 0.9
_MOST_OF_PAGE = 0.8
"""Shares of a page's area."""

_SCAN_SCALE = 150 / 72
"""150 dots an inch: a page of A4 becomes 2.2 megapixels."""

_MAX_PAGE_IMAGES = 10_000
_MAX_RENDERED_PIXELS = 4_000_000
"""Several times what any encoder looks at; a page of A4 has 170 dots an inch then."""

_LEVEL = 1
"""Of compression: three times as fast as the default, files a tenth larger."""

_CAPTION_START = 20
"""Characters of a caption, or of a line, that are looked for in the page's text."""

_MAX_PLACED = 100
"""Images of a page whose place in the text is looked for."""


@dataclass(frozen=True, slots=True)
class ImageWords:
    """Where an image is and what is said of it; see :class:`ingest.decode.document.Figure`."""

    page: int
    caption: str | None
    alt_text: str | None
    start_char: int


class PdfFigures:
    """Collects the images of a PDF, page by page."""

    def __init__(self, content: bytes, limits: Limits, figures: Figures) -> None:
        """Begin.

        Args:
            content: The whole file.
            limits: What is too large.
            figures: Collects what is found.
        """
        self._limits = limits
        self._figures = figures
        self._has_masks = _MASKED.search(content) is not None

    def add_page(self, page: PdfPage, text_page: PdfTextPage, pages: Sequence[str]) -> None:
        """Collect the images of a page; of a scan without text, the page as it looks.

        Args:
            page: Open.
            text_page: Its text, open.
            pages: Texts of the pages up to this one.
        """
        from pypdfium2 import PdfiumError

        try:
            if images := self._find_images(page):
                self._add_images(images, page, text_page, pages)
        except PdfiumError:
            self._figures.leave_out("damaged")

    def _add_images(
        self,
        images: Sequence[PdfImage],
        page: PdfPage,
        text_page: PdfTextPage,
        pages: Sequence[str],
    ) -> None:
        start_char = sum(len(text) + 2 for text in pages[:-1])
        text = pages[-1]
        if not text and len(images) > 1 and _to_share(images, page) > _MOST_OF_PAGE:
            self._add_whole(page, len(pages), start_char)  # a scan that was cut into strips
            return
        captions = find_captions(text_page, text)
        alt_texts = find_alt_texts(page)
        for nth, image in enumerate(images):
            line = caption = _choose(captions, image, page)
            if line is None and nth < _MAX_PLACED:
                line = _line_above(image, text_page)
            place = text.find(to_line(line)[:_CAPTION_START]) if line else -1
            alt_text = alt_texts.get(_to_content_id(image))
            words = ImageWords(len(pages), caption, alt_text, start_char + max(place, 0))
            self._add_image(image, page, words)

    def _find_images(self, page: PdfPage) -> list[PdfImage]:
        """Those that are larger than bullets and smaller than allowed."""
        from pypdfium2 import raw

        found = []
        objects = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])
        for image, _ in zip(objects, range(_MAX_PAGE_IMAGES), strict=False):
            width, height = image.get_px_size()
            if not self._figures.is_large_enough(width, height):
                continue
            if width * height > self._limits.max_image_pixels:
                self._figures.leave_out(f"beyond {self._limits.max_image_pixels:,} pixels")
            else:
                found.append(image)
        return found

    def _add_image(self, image: PdfImage, page: PdfPage, words: ImageWords) -> None:
        raw_stream = bytes(image.get_data())
        if raw_stream and not self._figures.is_new(b"stream of a PDF" + raw_stream):
            return
        if self._figures.is_full:
            self._figures.leave_out_surplus()
            return
        try:
            content = self._to_file(image, page, raw_stream)
        except Exception:  # noqa: BLE001 - a broken image costs itself, not the document
            self._figures.leave_out("damaged")
            return
        self._figures.add(
            content,
            page=words.page,
            caption=words.caption,
            alt_text=words.alt_text,
            start_char=words.start_char,
        )

    def _to_file(self, image: PdfImage, page: PdfPage, raw_stream: bytes) -> bytes:
        """The JPEG as it is where it is shown as it is, else what is shown, as PNG."""
        is_plain = _is_plain_jpeg(image, page, raw_stream)
        if is_plain and not self._has_masks:
            return raw_stream
        picture = _to_picture(image)
        if is_plain and not picture.has_transparency_data:
            return raw_stream
        return _to_png(picture, page.get_rotation())

    def _add_whole(self, page: PdfPage, number: int, start_char: int) -> None:
        width, height = page.get_size()
        scale = min(_SCAN_SCALE, (self._limits.max_image_pixels / (width * height)) ** 0.5)
        with suppress(Exception):
            content = _to_png(_to_pillow(page.render(scale=scale)), 0)
            self._figures.add(content, page=number, start_char=start_char)


def _is_plain_jpeg(image: PdfImage, page: PdfPage, raw_stream: bytes) -> bool:
    """Whether an image is a JPEG file that is shown upright and in its own colours."""
    from PIL import Image
    from pypdfium2 import raw

    if image.get_filters() != ["DCTDecode"] or page.get_rotation():
        return False
    matrix = image.get_matrix()
    if matrix.b or matrix.c or matrix.a <= 0 or matrix.d <= 0:
        return False
    plain_spaces = {
        *(raw.FPDF_COLORSPACE_DEVICEGRAY, raw.FPDF_COLORSPACE_DEVICERGB),
        *(raw.FPDF_COLORSPACE_CALGRAY, raw.FPDF_COLORSPACE_CALRGB),
        raw.FPDF_COLORSPACE_ICCBASED,
    }
    if image.get_metadata().colorspace not in plain_spaces:
        return False
    with silenced_pillow():
        return Image.open(BytesIO(raw_stream), formats=("JPEG",)).mode in _JPEG_MODES


def _to_picture(image: PdfImage) -> Image.Image:
    """What is shown of an image, with its masks, colours and turns, at its own resolution."""
    factor = _to_factor(image)
    if factor is None:
        return _to_pillow(image.get_bitmap())
    matrix = image.get_matrix()
    image.set_matrix(matrix.scale(factor, factor))
    try:
        return _to_pillow(image.get_bitmap(render=True, scale_to_original=False))
    finally:
        image.set_matrix(matrix)


def _to_factor(image: PdfImage) -> float | None:
    """Pixels a point at which an image is rendered; None for one that is stretched to a line."""
    left, bottom, right, top = image.get_bounds()
    shorter, longer = sorted((right - left, top - bottom))
    if shorter <= 0:
        return None
    few, many = sorted(image.get_px_size())
    factor = max(few / shorter, many / longer)
    factor = min(factor, (_MAX_RENDERED_PIXELS / (shorter * longer)) ** 0.5)
    return factor if shorter * factor >= 1 else None


def _to_pillow(bitmap: PdfBitmap) -> Image.Image:
    """A copy in memory of our own; without an alpha channel where nothing shines through.

    Raises:
        ValueError: Nothing of it can be seen, as when PDFium cannot decode it.
    """
    picture: Image.Image = bitmap.to_pil().copy()
    if picture.mode == "RGBA":
        faintest, strongest = picture.getchannel("A").getextrema()
        if not strongest:
            raise ValueError("the image cannot be seen")
        return picture.convert("RGB") if faintest == _OPAQUE else picture
    return picture.convert("RGB") if picture.mode == "RGBX" else picture


def _to_png(picture: Image.Image, rotation: int) -> bytes:
    """As a file, turned as the page is: clockwise, in degrees."""
    from PIL.Image import Transpose

    turns = {90: Transpose.ROTATE_270, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_90}
    upright = picture.transpose(turns[rotation]) if rotation in turns else picture
    buffer = BytesIO()
    upright.save(buffer, "PNG", compress_level=_LEVEL)
    return buffer.getvalue()


def _to_share(images: Sequence[PdfImage], page: PdfPage) -> float:
    """The images' area over the page's."""
    width, height = page.get_size()
    return float(sum(map(_to_area, images)) / max(width * height, 1.0))


def _to_area(image: PdfImage) -> float:
    left, bottom, right, top = image.get_bounds()
    return float((right - left) * (top - bottom))


def _choose(captions: Sequence[Caption], image: PdfImage, page: PdfPage) -> str | None:
    """The caption of an image; none of one that fills the page."""
    if not captions or _to_share([image], page) > _WHOLE_PAGE:
        return None
    chosen = choose_caption(captions, image.get_bounds(), page.get_height())
    return chosen.text if chosen else None


def _line_above(image: PdfImage, text_page: PdfTextPage) -> str | None:
    """The last line of text above an image, as far as it stands over it."""
    left, _, right, top = image.get_bounds()
    lines = text_page.get_text_bounded(left=left, bottom=top, right=right).split("\n")
    return next((line for line in reversed(lines) if line.strip()), None)


def _to_content_id(image: PdfImage) -> int:
    """Under which number the image is marked; -1 for one that is not."""
    from pypdfium2 import raw

    return int(raw.FPDFPageObj_GetMarkedContentID(image))
