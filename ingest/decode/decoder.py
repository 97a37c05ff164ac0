"""Who decodes: this process, or worker processes behind the same two methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ingest.decode.image import DecodedImage
    from ingest.decode.limits import Limits
    from ingest.decode.policy import DecodePolicy
    from ingest.decode.text import DecodedText


class Decoder(Protocol):
    """Bytes to pixels or text, in this process or in another one."""

    def decode_frames(
        self,
        content: bytes,
        source_uri: str,
        *,
        limits: Limits,
        side_pixels: int,
        policy: DecodePolicy,
    ) -> tuple[DecodedImage, ...]:
        """See :func:`ingest.decode.image.decode_frames`."""
        ...

    def decode_text(
        self,
        content: bytes,
        source_uri: str,
        media_type: str,
        *,
        limits: Limits,
        figures: bool = False,
    ) -> DecodedText:
        """See :func:`ingest.decode.text.decode_text`."""
        ...


class InProcessDecoder:
    """Decodes in the calling thread: nothing to start, and no protection from a crash."""

    def decode_frames(
        self,
        content: bytes,
        source_uri: str,
        *,
        limits: Limits,
        side_pixels: int,
        policy: DecodePolicy,
    ) -> tuple[DecodedImage, ...]:
        """See :func:`ingest.decode.image.decode_frames`."""
        from ingest.decode.image import decode_frames

        return decode_frames(
            content, source_uri, limits=limits, side_pixels=side_pixels, policy=policy
        )

    def decode_text(
        self,
        content: bytes,
        source_uri: str,
        media_type: str,
        *,
        limits: Limits,
        figures: bool = False,
    ) -> DecodedText:
        """See :func:`ingest.decode.text.decode_text`."""
        from ingest.decode.text import decode_text

        return decode_text(content, source_uri, media_type, limits=limits, figures=figures)
