"""A small picture of an image, of one frame of it, or of a page of a PDF."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.decode.image import DecodedImage, open_frame, to_decoded
from ingest.decode.pdf_text import render_page
from ingest.decode.seam import silenced_pillow, translated_errors

if TYPE_CHECKING:
    from PIL.Image import Image

    from ingest.decode.limits import Limits


def decode_thumbnail(
    content: bytes, source_uri: str, *, limits: Limits, side_pixels: int, frame: int | None = None
) -> DecodedImage:
    """Decode an image file by the policy of :mod:`ingest.decode.image`, as small as asked.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large.
        side_pixels: Of the longer side, at most. Nothing is enlarged.
        frame: Which frame or page, as :attr:`DecodedImage.frame` numbers them; None for the first.

    Raises:
        SourceError: As :func:`ingest.decode.image.decode_image` does; a frame that is not there is
            a DecodeError.
    """
    decoded = open_frame(
        content, source_uri, limits=limits, side_pixels=(side_pixels + 1) // 2, frame=frame
    )
    return replace(decoded, image=_to_fitting(decoded.image, side_pixels))


def decode_page(
    content: bytes, source_uri: str, *, limits: Limits, side_pixels: int, page: int
) -> DecodedImage:
    """Draw a page of a PDF on white.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        limits: What is too large.
        side_pixels: Of the longer side.
        page: From 1.

    Raises:
        DecodeError: It is damaged, needs a password or has no such page.
    """
    advice = "restore it from a good copy"
    with silenced_pillow(), translated_errors(source_uri, "the page cannot be drawn", advice):
        drawn = render_page(content, source_uri, page, side_pixels)
        decoded = to_decoded(drawn, source_uri, limits=limits, side_pixels=side_pixels)
    return replace(decoded, image=_to_fitting(decoded.image, side_pixels))


def _to_fitting(image: Image, side_pixels: int) -> Image:
    from PIL.Image import Resampling

    image.thumbnail((side_pixels, side_pixels), Resampling.LANCZOS)
    return image
