"""A server that is told to stop says so for a while before it does."""

from __future__ import annotations

import asyncio
import signal
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event
    from types import FrameType


def drain_first(draining: Event, seconds: float) -> None:
    """Let SIGTERM set an event at once, and take its course so many seconds later.

    The first signal alone: who sends another one will not wait. Call it in the event loop, after
    the server has installed its own handler; outside of the main thread it does nothing.
    """
    if current_thread() is not main_thread():
        return
    loop, then = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def on_signal(number: int, frame: FrameType | None) -> None:
        is_first = not draining.is_set()
        draining.set()
        if callable(then):
            if is_first and seconds:
                loop.call_soon_threadsafe(loop.call_later, seconds, then, number, None)
            else:
                then(number, frame)

    signal.signal(signal.SIGTERM, on_signal)
