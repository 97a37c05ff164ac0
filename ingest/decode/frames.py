"""Which frames of an animation, or pages of a TIFF, stand for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from ingest.decode.limits import Limits

_COPY_OR_MASK = 0b101
"""TIFF 6.0, NewSubfileType: a reduced copy of another page, or its transparency mask."""

_NEW_SUBFILE_TYPE = 254

_MAX_COMPOSED_PIXELS = 1_000_000_000
"""A frame of an animation is painted over those before it; no more pixels than these are, about ten
seconds' worth."""


def to_spaced(total: int, wanted: int) -> tuple[int, ...]:
    """Positions that begin ``wanted`` equal parts of ``total``: floor(k * total / wanted).

    The first is 0. With fewer than ``wanted`` in all, every one of them.
    """
    parts = min(total, wanted)
    return tuple(part * total // parts for part in range(parts))


def iter_frames(image: Image, wanted: int, limits: Limits) -> Iterator[tuple[int | None, Image]]:
    """The image at each chosen frame, as a viewer would show it there.

    Args:
        image: Opened; it is moved from frame to frame.
        wanted: How many frames at most.
        limits: Frames behind the ``max_pages``-th are not looked at, nor are those of an animation
            behind the first thousand million pixels.

    Yields:
        The frame's number among those that are shown, from 1, or None where there is but one; and
        the image, whose pixels are those of the frame until the next one is asked for.
    """
    shown = _find_shown(image, limits) if wanted > 1 else ()
    if len(shown) < 2:  # noqa: PLR2004 - one frame has no number
        yield None, image
        return
    for position in to_spaced(len(shown), wanted):
        image.seek(shown[position])
        yield position + 1, image


def seek_frame(image: Image, number: int, limits: Limits) -> None:
    """Move an image to the frame of a number that :func:`iter_frames` gave.

    Args:
        image: Opened.
        number: From 1, among the frames that are shown.
        limits: As there.

    Raises:
        EOFError: It has no such frame.
    """
    shown = _find_shown(image, limits)
    if not 0 < number <= len(shown):
        msg = f"frame {number} of {len(shown)}"
        raise EOFError(msg)
    image.seek(shown[number - 1])


def _find_shown(image: Image, limits: Limits) -> tuple[int, ...] | range:
    """Pillow's numbers of the frames that a viewer shows."""
    if image.format == "MPO":  # the others are previews, depth and gain maps
        return ()
    if image.format == "TIFF":
        return tuple(_iter_pages(image, limits))
    total = min(getattr(image, "n_frames", 1), limits.max_pages)
    total = min(total, max(1, _MAX_COMPOSED_PIXELS // (image.width * image.height)))
    # An APNG may hold, before its frames, an image for those who see only that.
    return range(int(getattr(image, "default_image", False)), total)


def _iter_pages(image: Image, limits: Limits) -> Iterator[int]:
    for number in range(limits.max_pages):
        try:
            image.seek(number)
        except EOFError:
            break
        tags = getattr(image, "tag_v2", {})
        if not tags.get(_NEW_SUBFILE_TYPE, 0) & _COPY_OR_MASK:
            yield number
    image.seek(0)
