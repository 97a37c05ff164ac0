"""Files by URL, from allowed hosts only.

A manifest may name any URL, and whoever wrote it must not reach through us into the network we
run in. So: https only; hosts on an allow-list; the address that is connected to is a public one,
on every redirect anew; and everything has a limit.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.sources.addresses import HTTPS_PORT, AllowList, is_public
from ingest.sources.web_answers import Later, take, to_fields, to_phrase
from schemas.errors import UnreadableSource

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection
    from ipaddress import IPv4Address, IPv6Address

    import httpcore
    import httpx
    import tenacity

    from ingest.sources.connections import Deadline

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", "diptych"))
_KEEP_SECONDS = 5.0
_LATER = "mend or remove its URL, or try again later"


@dataclass(frozen=True, slots=True)
class WebLimits:
    """What one URL may cost.

    Attributes:
        total_seconds: From the first step to the last byte: redirects, pauses and further
            attempts in all. Resolving a name is left to the system, which has limits of its own.
        connect_seconds: To connect, and then to agree on encryption.
        read_seconds: Between two pieces of an answer.
        redirects: Followed one after the other.
        attempts: Where a server says when to come again (429 and 503 with ``Retry-After``).
        connections: Open at a time, in all threads.
    """

    total_seconds: float = 60.0
    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    redirects: int = 5
    attempts: int = 3
    connections: int = 32


class WebReader:
    """Reads URLs; safe to call from several threads. Close it when done.

    No cookies, no proxies, no credentials; connections are kept for the next URL of their host.

    Args:
        allowed_hosts: See :class:`ingest.sources.addresses.AllowList`; without any, every URL is
            refused.
        limits: What one URL may cost.
        address_allowed: Whether an address may be connected to; by default public ones.
        ssl_context: By default certificates are checked against certifi's authorities, or those
            in ``SSL_CERT_FILE``.

    Raises:
        SettingsError: An allowed host is malformed.
    """

    def __init__(
        self,
        allowed_hosts: Collection[str],
        *,
        limits: WebLimits | None = None,
        address_allowed: Callable[[IPv4Address | IPv6Address], bool] = is_public,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Check the hosts; nothing is connected to."""
        self._allowed = AllowList(allowed_hosts)
        self._limits = limits or WebLimits()
        self._address_allowed = address_allowed
        self._ssl_context = ssl_context
        self._lock = threading.Lock()
        self._opened: tuple[httpcore.ConnectionPool, Deadline] | None = None

    def close(self) -> None:
        """Close the connections that were kept."""
        if self._opened is not None:
            self._opened[0].close()

    def read(self, url: str, source_uri: str, max_bytes: int) -> bytes:
        """The bytes of one URL.

        Args:
            url: Of the file.
            source_uri: What errors call it.
            max_bytes: The most that is taken, compressed or not.

        Raises:
            UnreadableSource: It is not allowed, not there, not in time, or not whole.
            SourceTooLarge: There are more than ``max_bytes``.
        """
        import tenacity

        pool, deadline = self._open()

        def is_over(state: tenacity.RetryCallState) -> bool:
            is_too_late = state.upcoming_sleep >= deadline.to_left()
            return is_too_late or state.attempt_number >= self._limits.attempts

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda answer: isinstance(answer, Later)),
            wait=_to_pause,
            stop=is_over,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        with deadline.within(self._limits.total_seconds):
            try:
                answer = retrying(self._follow, pool, url, source_uri, max_bytes)
            except _failures() as error:
                reason = str(error) or "no answer in time"
                raise UnreadableSource(
                    source_uri, f"cannot be fetched ({reason}); {_LATER}"
                ) from error
        if isinstance(answer, Later):
            phrase = f"{to_phrase(answer.status)}, again in {answer.seconds:,.0f} s"
            raise UnreadableSource(source_uri, f"cannot be fetched ({phrase}); {_LATER}")
        return bytes(answer)

    def _open(self) -> tuple[httpcore.ConnectionPool, Deadline]:
        """The connections, opened at the first need: loading certificates takes a moment."""
        import httpcore
        import httpx

        from ingest.sources.connections import CheckedBackend, Deadline

        with self._lock:
            if self._opened is None:
                deadline = Deadline()
                pool = httpcore.ConnectionPool(
                    ssl_context=self._ssl_context or httpx.create_ssl_context(),
                    max_connections=self._limits.connections,
                    keepalive_expiry=_KEEP_SECONDS,
                    network_backend=CheckedBackend(self._address_allowed, deadline),
                )
                self._opened = pool, deadline
            return self._opened

    def _follow(
        self, pool: httpcore.ConnectionPool, url: str, source_uri: str, max_bytes: int
    ) -> bytes | Later:
        """The bytes at the end of the redirects."""
        target = self._check(url, source_uri)
        for _ in range(self._limits.redirects + 1):
            with pool.stream(
                "GET",
                _to_core_url(target),
                headers=[*_HEADERS, ("Host", target.netloc.decode("ascii"))],
                extensions={"timeout": self._to_timeouts()},
            ) as response:
                fields = to_fields(response)
                if response.status not in _REDIRECTS or "location" not in fields:
                    return take(response, fields, source_uri, max_bytes)
            target = self._check(fields["location"], source_uri, target)
        raise UnreadableSource(
            source_uri, f"redirects more than {self._limits.redirects} times; give its last URL"
        )

    def _check(self, url: str, source_uri: str, base: httpx.URL | None = None) -> httpx.URL:
        """A URL that may be asked for.

        Args:
            url: As it was given.
            source_uri: What errors call it.
            base: Where it was redirected from, if it was.
        """
        import httpx

        which = "redirects to a URL that" if base else "its URL"
        try:
            target = base.join(url) if base else httpx.URL(url)
            host, port = target.raw_host.decode("ascii"), target.port or HTTPS_PORT
        except (httpx.InvalidURL, ValueError) as error:
            raise UnreadableSource(
                source_uri, f"{which} is malformed ({error}); mend it"
            ) from error
        if target.scheme != "https" or not host:
            raise UnreadableSource(source_uri, f"{which} is not https; give one that is")
        if target.userinfo:
            raise UnreadableSource(source_uri, f"{which} holds a user's name; leave it out")
        if not self._allowed.admits(host, port):
            shown = host if port == HTTPS_PORT else f"{host}:{port}"
            raise UnreadableSource(
                source_uri, f"{which} is of {shown}, which is not allowed; allow it (allow_hosts)"
            )
        return target

    def _to_timeouts(self) -> dict[str, float]:
        limits = self._limits
        return {
            "connect": limits.connect_seconds,
            "read": limits.read_seconds,
            "write": limits.read_seconds,
            "pool": limits.total_seconds,
        }


def _failures() -> tuple[type[Exception], ...]:
    """What goes wrong on the way, as httpcore says it."""
    import httpcore

    return (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


def _to_core_url(url: httpx.URL) -> httpcore.URL:
    import httpcore

    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def _to_pause(state: tenacity.RetryCallState) -> float:
    answer = state.outcome.result() if state.outcome else None
    return answer.seconds if isinstance(answer, Later) else 0.0
