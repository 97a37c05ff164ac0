"""What becomes of an item's parts that a user may choose: frames, text in images, figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecodePolicy:
    """Choices that change what points an item gets, or what their payloads say.

    Attributes:
        frames: How many frames of an animation or pages of a TIFF become images, at most.
        ocr: Whether the text in images is read; needs the extra ``ocr``.
        figures: Whether the figures of documents become images.

    Raises:
        ValueError: ``frames`` is below 1.
    """

    frames: int = 1
    ocr: bool = False
    figures: bool = True

    def __post_init__(self) -> None:
        """Refuse a policy that leaves an image without a frame."""
        if self.frames < 1:
            msg = f"an image gives at least 1 frame: frames={self.frames}"
            raise ValueError(msg)
