"""Connections to checked addresses only, each step of which ends at a deadline.

A name is resolved once, every address of it is checked, and one of those very addresses is
connected to: there is no moment between check and use at which the name could be given another.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from httpcore import SOCKET_OPTION

    AddressCheck = Callable[[IPv4Address | IPv6Address], bool]


class Deadline:
    """When the request of each thread must be over."""

    def __init__(self) -> None:
        """Without a deadline in any thread."""
        self._local = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Set this thread's deadline for as long as the block runs."""
        self._local.at = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._local.at

    def to_timeout(self, timeout: float | None) -> float:
        """What is left for one step that may take so many seconds.

        Raises:
            httpcore.TimeoutException: Nothing is left.
        """
        left = self.to_left()
        if left <= 0:
            raise httpcore.ReadTimeout("took too long in all")
        return left if timeout is None else min(timeout, left)

    def to_left(self) -> float:
        """Seconds until this thread's deadline."""
        at: float = self._local.at
        return at - time.monotonic()


class CheckedBackend(httpcore.NetworkBackend):
    """Resolves, checks, connects.

    Args:
        address_allowed: Whether an address may be connected to.
        deadline: Of the request under way in each thread.
    """

    def __init__(self, address_allowed: AddressCheck, deadline: Deadline) -> None:
        """Keep the rules."""
        self._address_allowed = address_allowed
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers.

        Raises:
            httpcore.ConnectError: There is none, none answers, or one of them may not be
                connected to; then none is.
        """
        failure: Exception | None = None
        for address in self._resolve(host, port):
            left = self._deadline.to_timeout(timeout)
            try:
                stream = self._plain.connect_tcp(
                    str(address), port, left, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError("the name has no address")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[SOCKET_OPTION] | None = None,  # noqa: ARG002 - likewise
    ) -> httpcore.NetworkStream:
        """Never."""
        raise httpcore.ConnectError(f"{path} is a socket of this machine")

    def sleep(self, seconds: float) -> None:
        """Pause."""
        self._plain.sleep(seconds)

    def _resolve(self, host: str, port: int) -> list[IPv4Address | IPv6Address]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name cannot be resolved: {error}") from error
        # The fifth is (address, port, ...), and numbers only where there is no such family.
        addresses = [ip_address(str(one[4][0])) for one in dict.fromkeys(found)]
        for address in addresses:
            if not self._address_allowed(address):
                raise httpcore.ConnectError(f"{host} is at {address}, which is not public")
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends at the deadline of the thread that takes it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.to_timeout(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.to_timeout(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.to_timeout(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._stream.get_extra_info(info)
