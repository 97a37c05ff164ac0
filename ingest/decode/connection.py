"""Messages over a socket, their bulk through memory that both processes see."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import tempfile
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mmap
    import socket
    from collections.abc import Sequence

    from ingest.decode.wire import Buffer

_LENGTH = struct.Struct("<I")

_MAX_HEADER_BYTES = 1 << 26
_MAX_BULK_BYTES = 1 << 30
"""Over what any decoder has to say: a document of 50 million characters is 200 MB at most."""


class Connection:
    """One end of a conversation: a message, its answer, the next message.

    A message is a header that JSON can say and buffers. They go through the shared memory when
    they fit into it together, else over the socket.

    Args:
        stream: A stream socket; closed with the connection.
        memory: Shared with the other end, of the same length there; closed likewise.
    """

    def __init__(self, stream: socket.socket, memory: mmap.mmap) -> None:
        """Keep both."""
        self._stream = stream
        self._memory = memory
        self._view = memoryview(memory)

    def send(
        self, header: dict[str, object], buffers: Sequence[Buffer], *, deadline: float | None = None
    ) -> None:
        """Send one message.

        Args:
            header: Said in JSON; the key ``sizes`` is the connection's own.
            buffers: In the order in which the other end gets them.
            deadline: By :func:`time.monotonic`; None waits for ever.

        Raises:
            TimeoutError: The other end did not take it in time.
            OSError: The other end is gone.
        """
        sizes = [len(one) for one in buffers]
        is_shared = sum(sizes) <= len(self._view)
        if is_shared:
            for (start, end), one in zip(pairwise(_to_bounds(sizes)), buffers, strict=True):
                self._view[start:end] = one
        text = json.dumps({**header, "sizes": sizes, "is_shared": is_shared}).encode("ascii")
        self._wait_until(deadline)
        self._stream.sendall(_LENGTH.pack(len(text)) + text)
        for one in () if is_shared else buffers:
            self._wait_until(deadline)
            self._stream.sendall(one)

    def receive(self, *, deadline: float | None = None) -> tuple[dict[str, Any], list[memoryview]]:
        """Wait for one message.

        Returns:
            Its header, and its buffers: copy what must outlast the next message.

        Raises:
            TimeoutError: It did not come in time.
            EOFError: The other end is gone.
            OSError: Likewise.
            ValueError: The other end keeps to no rules.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, _LENGTH.size, deadline))
        header = json.loads(bytes(self._read(length, _MAX_HEADER_BYTES, deadline)))
        sizes, is_shared = header.pop("sizes"), header.pop("is_shared")
        if not all(isinstance(size, int) and size >= 0 for size in sizes):
            msg = "a size is no size"
            raise ValueError(msg)
        limit = len(self._view) if is_shared else _MAX_BULK_BYTES
        if sum(sizes) > limit:
            msg = f"{sum(sizes):,} bytes, over the {limit:,} of a message"
            raise ValueError(msg)
        if is_shared:
            return header, [self._view[a:b] for a, b in pairwise(_to_bounds(sizes))]
        return header, [self._read(size, limit, deadline) for size in sizes]

    def close(self) -> None:
        """Let go of both; the other end then reads the end of the stream."""
        self._stream.close()
        self._view.release()
        with suppress(BufferError):  # someone still looks at the last message's buffers
            self._memory.close()

    def _read(self, size: int, limit: int, deadline: float | None) -> memoryview:
        if size > limit:
            msg = f"{size:,} bytes, over the {limit:,} of a message"
            raise ValueError(msg)
        buffer = memoryview(bytearray(size))
        filled = 0
        while filled < size:
            self._wait_until(deadline)
            received = self._stream.recv_into(buffer[filled:])
            if not received:
                raise EOFError
            filled += received
        return buffer

    def _wait_until(self, deadline: float | None) -> None:
        """Let the next step on the socket last that long; a wait of 0 would not wait at all."""
        if deadline is not None:
            self._stream.settimeout(max(deadline - monotonic(), 1e-6))
        elif self._stream.gettimeout() is not None:
            self._stream.settimeout(None)


def open_shared_memory(size: int) -> int:
    """A descriptor of ``size`` zero bytes to be mapped by two processes.

    It is closed when a program is started. Where the system can promise it (Linux), nobody can take
    the bytes away again: who reads mapped memory that another process has cut off dies of SIGBUS.

    Raises:
        OSError: The system has no descriptor or no room left.
    """
    if not hasattr(os, "memfd_create"):
        return _open_unlinked_file(size)
    descriptor = os.memfd_create("diptych-decode", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def _open_unlinked_file(size: int) -> int:
    descriptor, path = tempfile.mkstemp(prefix="diptych-decode-")
    Path(path).unlink()
    os.ftruncate(descriptor, size)
    return descriptor


def _to_bounds(sizes: Sequence[int]) -> list[int]:
    """Where each begins, one after another from 0, and where the last ends."""
    bounds = [0]
    for size in sizes:
        bounds.append(bounds[-1] + size)
    return bounds
