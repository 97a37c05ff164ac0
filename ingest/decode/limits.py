"""Limits that a source item is held to before and while it is decoded."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too large. Over a limit an item ends as ``SourceTooLarge``, unless said otherwise.

    Attributes:
        max_source_bytes: Of the file; checked before and while it is read.
        max_image_pixels: Width times height; checked from the header, before any pixel is decoded.
            Pillow's own ceiling of 179 million pixels holds above it.
        max_aspect_ratio: Longer side over shorter side. A longer image is no failure: its centre
            is cut to this ratio, because encoders look at the centre anyway and scaling the
            shorter side of 1x20000 pixels to 224 would take gigabytes.
        max_text_chars: Characters of a document's text; guards against documents that are small
            only while compressed.
        max_pages: Pages of a paged document.
        long_text_chars: A longer text is worth a warning in the log, and is indexed whole.
        max_unpacked_bytes: Of all that is packed in a document (DOCX, PPTX, EPUB), and of all
            figures of one document together; figures beyond it are left out with a warning.
        max_figures: Figures of a document; those beyond it are left out with a warning.
        min_figure_pixels: Width times height; smaller images in a document are bullets and icons,
            and no figures.
        min_figure_side_pixels: Likewise for the shorter side: rules and spacers.

    Raises:
        ValueError: A limit leaves no room for anything.
    """

    max_source_bytes: int = 50_000_000
    max_image_pixels: int = 50_000_000
    max_aspect_ratio: float = 20.0
    max_text_chars: int = 50_000_000
    max_pages: int = 10_000
    long_text_chars: int = 100_000
    max_unpacked_bytes: int = 200_000_000
    max_figures: int = 1_000
    min_figure_pixels: int = 4_096
    min_figure_side_pixels: int = 32

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """The limits that the settings name; the others at their defaults."""
        return cls(
            max_source_bytes=settings.max_source_bytes, max_image_pixels=settings.max_image_pixels
        )

    def admits_figure(self, width_pixels: int, height_pixels: int) -> bool:
        """Whether an image in a document is large enough to be more than decoration."""
        is_shape = min(width_pixels, height_pixels) >= self.min_figure_side_pixels
        return is_shape and width_pixels * height_pixels >= self.min_figure_pixels

    def __post_init__(self) -> None:
        """Refuse limits that nothing could pass."""
        if min(astuple(self)) < 1:
            msg = f"every limit is at least 1: {self!r}"
            raise ValueError(msg)
