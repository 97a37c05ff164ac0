"""The decoder whose functions are called in another process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ingest.decode.image import DecodedImage
    from ingest.decode.limits import Limits
    from ingest.decode.policy import DecodePolicy
    from ingest.decode.text import DecodedText


class RemoteDecoder(ABC):
    """A :class:`~ingest.decode.decoder.Decoder` that says what is to be called, not where."""

    @abstractmethod
    def call(
        self, function: str, content: bytes, source_uri: str, /, *args: object, **kwargs: object
    ) -> object:
        """Call one of :data:`ingest.decode.wire.FUNCTIONS`.

        Raises:
            SourceError: As the function raises it.
            DecoderDied: It took too long, or its process died of it.
            DecoderUnavailable: No process can be started.
        """

    def decode_frames(
        self,
        content: bytes,
        source_uri: str,
        *,
        limits: Limits,
        side_pixels: int,
        policy: DecodePolicy,
    ) -> tuple[DecodedImage, ...]:
        """See :func:`ingest.decode.image.decode_frames`, and :meth:`call`."""
        decoded = self.call(
            "decode_frames",
            content,
            source_uri,
            limits=limits,
            side_pixels=side_pixels,
            policy=policy,
        )
        return cast("tuple[DecodedImage, ...]", decoded)

    def decode_image(
        self, content: bytes, source_uri: str, *, limits: Limits, side_pixels: int
    ) -> DecodedImage:
        """See :func:`ingest.decode.image.decode_image`, and :meth:`call`."""
        decoded = self.call(
            "decode_image", content, source_uri, limits=limits, side_pixels=side_pixels
        )
        return cast("DecodedImage", decoded)

    def decode_text(
        self,
        content: bytes,
        source_uri: str,
        media_type: str,
        *,
        limits: Limits,
        figures: bool = False,
    ) -> DecodedText:
        """See :func:`ingest.decode.text.decode_text`, and :meth:`call`."""
        decoded = self.call(
            "decode_text", content, source_uri, media_type, limits=limits, figures=figures
        )
        return cast("DecodedText", decoded)
