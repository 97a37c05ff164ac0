"""HTTP/1.1 as uvicorn speaks it, with patience that ends.

uvicorn waits forever for the rest of a request's headers, and for a client to take an answer; a
few hundred connections that do nothing would then keep everybody else out.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 10.0
"""In which the headers of a request must have arrived, from its first byte or the connection's
beginning."""

LOOK_SECONDS: Final = 20.0
"""Between two looks at whether a client takes its answer."""

LEAST_BYTES: Final = 100_000
"""That it must take from one look to the next: 5 kB a second."""


class PatientProtocol(H11Protocol):
    """Closes connections that send no headers, and ends those that take no answer."""

    head_seconds = HEAD_SECONDS
    look_seconds = LOOK_SECONDS
    _head: asyncio.TimerHandle | None = None
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; wait on where it is the beginning of headers."""
        super().data_received(data)
        if self._is_idle():
            self._await_head()
        elif self._head is not None:
            self._head.cancel()
            self._head = None

    def on_response_complete(self) -> None:
        """See to it that the answer is taken."""
        super().on_response_complete()
        if self._look is None and self._unsent():
            self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        for timer in (self._head, self._look):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return not self.transport.is_closing() and (cycle is None or cycle.response_complete)

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._head = None
        if self._is_idle():
            self.transport.close()

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _look_again(self) -> None:
        self._look = self.loop.call_later(self.look_seconds, self._judge, self._unsent())

    def _judge(self, before: int) -> None:
        self._look = None
        if self._unsent() and before - self._unsent() < LEAST_BYTES:
            self.transport.abort()
        elif self._unsent():
            self._look_again()
