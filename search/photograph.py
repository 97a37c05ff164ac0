"""A photograph that was handed to search, as a path, bytes or a Pillow image -> RGB pixels.

The decode policy is the one that indexing uses, so that a query which is an indexed photograph
finds itself at cosine 1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.decode.files import read_photograph
from ingest.decode.image import decode_image, to_decoded
from ingest.decode.limits import Limits
from ingest.decode.seam import translated_errors

if TYPE_CHECKING:
    from PIL.Image import Image

    from schemas.query import ImageSource

UNNAMED = "query image"
"""What errors call an image that has no path."""


def open_photograph(
    source: ImageSource, *, side_pixels: int, limits: Limits | None = None
) -> Image:
    """Read and decode one photograph.

    Args:
        source: A path, encoded bytes, or an image that Pillow opened or made.
        limits: Over which it is refused; None for the defaults.
        side_pixels: Side of the square it will be reduced to. Its shorter side stays at least
            twice that, if it was.

    Returns:
        An RGB image, upright.

    Raises:
        UnreadableSource: The path cannot be read or is not a regular file; the error names it.
        SourceTooLarge: It is over a limit.
        DecodeError: It is damaged.
        UnsupportedFormat: It is in no format that Diptych indexes.
    """
    limits = limits or Limits()
    if isinstance(source, str | Path):
        path = os.fspath(source)
        content = read_photograph(path, limits.max_source_bytes)
        return decode_image(content, path, limits=limits, side_pixels=side_pixels).image
    if isinstance(source, bytes):
        return decode_image(source, UNNAMED, limits=limits, side_pixels=side_pixels).image
    with translated_errors(UNNAMED, "Pillow cannot read its pixels", "open it anew"):
        own = source.copy()  # decoding in reduced size would change the caller's image
    return to_decoded(own, UNNAMED, limits=limits, side_pixels=side_pixels).image
