"""Sandboxes for many threads, kept from job to job."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Condition, Lock
from typing import TYPE_CHECKING
from weakref import finalize

from ingest.decode.remote import RemoteDecoder
from ingest.decode.sandbox import ALLOWANCE_BYTES, TIMEOUT_SECONDS, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self


class SandboxPool(RemoteDecoder):
    """Sandboxes that threads borrow; a child starts when it is first needed, and stays.

    The children end when the pool is closed, when nobody refers to it any more, and with this
    process.

    Args:
        max_children: At most so many run; further threads wait until one is given back.
        timeout_seconds: See :class:`~ingest.decode.sandbox.Sandbox`.
        allowance_bytes: Likewise.
    """

    def __init__(
        self,
        max_children: int,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        allowance_bytes: int = ALLOWANCE_BYTES,
    ) -> None:
        """Start nothing yet."""
        self._max_children = max_children
        self._timeout_seconds = timeout_seconds
        self._allowance_bytes = allowance_bytes
        self._sandboxes: list[Sandbox] = []
        self._idle: list[Sandbox] = []
        self._changed = Condition()
        self._is_closed = False
        self._end = finalize(self, _close_all, self._sandboxes)

    def __enter__(self) -> Self:
        """The pool itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the children that run."""
        with self._changed:
            return tuple(one.pid for one in self._sandboxes if one.pid)

    @contextmanager
    def sandbox(self) -> Iterator[Sandbox]:
        """Borrow a sandbox, the one that was used last if several are free.

        Raises:
            RuntimeError: The pool is closed.
        """
        sandbox = self._take()
        try:
            yield sandbox
        finally:
            self._give_back(sandbox)

    def call(
        self, function: str, content: bytes, source_uri: str, /, *args: object, **kwargs: object
    ) -> object:
        """:meth:`Sandbox.call` in a borrowed sandbox."""
        with self.sandbox() as sandbox:
            return sandbox.call(function, content, source_uri, *args, **kwargs)

    def allow(self, max_children: int) -> None:
        """Let at least so many children run from now on."""
        with self._changed:
            self._max_children = max(self._max_children, max_children)
            self._changed.notify_all()

    def close(self) -> None:
        """End all children, in the middle of a call too. Doing so again is harmless."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._end()

    def _take(self) -> Sandbox:
        with self._changed:
            while not self._is_closed:
                if self._idle:
                    return self._idle.pop()
                if len(self._sandboxes) < self._max_children:
                    return self._add()
                self._changed.wait()
        msg = "the pool of decoding processes is closed"
        raise RuntimeError(msg)

    def _add(self) -> Sandbox:
        sandbox = Sandbox(
            timeout_seconds=self._timeout_seconds, allowance_bytes=self._allowance_bytes
        )
        self._sandboxes.append(sandbox)
        return sandbox

    def _give_back(self, sandbox: Sandbox) -> None:
        with self._changed:
            self._idle.append(sandbox)
            self._changed.notify()
        if self._is_closed:
            sandbox.close()


def _close_all(sandboxes: list[Sandbox]) -> None:
    for sandbox in sandboxes:
        sandbox.close()


_SHARED: dict[tuple[float, int], SandboxPool] = {}
_SHARING = Lock()


def shared_pool(
    max_children: int,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    allowance_bytes: int = ALLOWANCE_BYTES,
) -> SandboxPool:
    """The pool of this process, so that job after job uses the same children; do not close it.

    Args:
        max_children: At least so many may run at once.
        timeout_seconds: See :class:`~ingest.decode.sandbox.Sandbox`; there is one pool for each
            choice of this and of the next.
        allowance_bytes: Likewise.
    """
    with _SHARING:
        key = timeout_seconds, allowance_bytes
        pool = _SHARED.setdefault(
            key,
            SandboxPool(
                max_children, timeout_seconds=timeout_seconds, allowance_bytes=allowance_bytes
            ),
        )
    pool.allow(max_children)
    return pool
