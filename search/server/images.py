"""Images that somebody sent -> pixels, in worker processes that may die of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from schemas.errors import UnsupportedFormat
from search.server.gate import Gate

if TYPE_CHECKING:
    from PIL.Image import Image

    from ingest.decode.image import DecodedImage
    from schemas.settings import Settings

UNNAMED: Final = "query image"
"""What errors call an image that was sent."""

WAITING: Final = 8
"""Images that wait for each that is decoded; a queue longer than that is not worth waiting in."""


class ImageDecoder:
    """Decodes images of strangers, a few at a time, with a queue of its own.

    Args:
        settings: Limits, whether decoding is isolated, how many at once.
    """

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self._settings = settings
        at_once = settings.serve.max_decodes
        self._gate = Gate(at_once * (1 + WAITING), "images to decode")
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="diptych-decode")

    async def decode(self, content: bytes, side_pixels: int) -> Image:
        """The first frame, upright RGB.

        Raises:
            ServerBusy: Too many images wait.
            SourceError: It is over a limit, damaged, or of no known format.
            DecoderUnavailable: No worker process can be started.
        """
        return (await self.decode_whole(content, side_pixels)).image

    async def decode_whole(self, content: bytes, side_pixels: int) -> DecodedImage:
        """Likewise, with what else is known of it.

        Raises:
            DiptychError: As :meth:`decode` does.
        """
        loop = asyncio.get_running_loop()
        with self._gate.turn():
            return await loop.run_in_executor(
                self._pool, partial(self._decode, content, side_pixels)
            )

    def close(self) -> None:
        """Finish what runs."""
        self._pool.shutdown(cancel_futures=True)

    def _decode(self, content: bytes, side_pixels: int) -> DecodedImage:
        from ingest.decode.decoder_choice import to_decoder
        from ingest.decode.limits import Limits
        from ingest.decode.policy import DecodePolicy

        if not content:
            raise UnsupportedFormat(UNNAMED, "is empty: send the bytes of an image")
        decoder = to_decoder(self._settings, self._settings.serve.max_decodes)
        frames = decoder.decode_frames(
            content,
            UNNAMED,
            limits=Limits.from_settings(self._settings),
            side_pixels=side_pixels,
            policy=DecodePolicy(),
        )
        return frames[0]
