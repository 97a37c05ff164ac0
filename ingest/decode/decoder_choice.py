"""Settings -> who decodes: this process, or worker processes that may die of an item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.decode.decoder import InProcessDecoder

if TYPE_CHECKING:
    from ingest.decode.decoder import Decoder
    from ingest.decode.sandbox_pool import SandboxPool
    from schemas.settings import Settings


def to_decoder(settings: Settings, children: int, *, times: int = 1) -> Decoder:
    """Worker processes, or this process where that is asked for.

    Args:
        settings: Whether decoding is isolated, and its limits.
        children: As for :func:`to_pool`.
        times: Likewise.
    """
    if not settings.isolate:
        return InProcessDecoder()
    return to_pool(settings, children, times=times)


def to_pool(settings: Settings, children: int, *, times: int = 1) -> SandboxPool:
    """Worker processes that are kept from run to run.

    Args:
        settings: Their limits.
        children: How many may decode at once.
        times: How often the seconds of the settings an item may take.
    """
    from ingest.decode.limits import Limits
    from ingest.decode.sandbox import to_allowance_bytes
    from ingest.decode.sandbox_pool import shared_pool

    return shared_pool(
        children,
        timeout_seconds=settings.decode_timeout_seconds * times,
        allowance_bytes=to_allowance_bytes(Limits.from_settings(settings)),
    )
