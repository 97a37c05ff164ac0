"""From an address to an engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from ingest.store.engine import Engine
    from schemas.settings import Settings

MEMORY = ":memory:"
"""The address of an index that is gone when the process ends."""


def connect(
    url: str,
    *,
    api_key: str | None = None,
    timeout_seconds: float = 30.0,
    prefer_grpc: bool = True,
    grpc_port: int = 6334,
) -> Engine:
    """Open the index at an address.

    Args:
        url: ``http://…`` or ``https://…`` for a Qdrant server or cluster, :data:`MEMORY`, or else
            the path of an embedded index, which need not exist: its folder is made with its first
            collection.
        api_key: Of the server.
        timeout_seconds: Of one request to the server, rounded up to whole seconds.
        prefer_grpc: Speak gRPC to the server, twice to three times as fast as REST.
        grpc_port: Where the server speaks it; the REST port is in the URL (default 6333).

    Returns:
        An engine; close it, or use it as a context manager.

    Raises:
        LockHeld: Another process, or another engine of this one, has the embedded index open.
        SettingsError: The address is of no known kind or cannot be parsed, or the key is not
            printable ASCII, which a request's header must be.
        StoreUnavailable: The server does not answer.
        StoreRejected: The server refuses the key, or the path is not an index of ours.
    """
    if url == MEMORY:
        from ingest.store.memory import MemoryEngine

        return MemoryEngine()
    scheme = _to_scheme(url)
    if scheme in {"http", "https"}:
        return _open_server(url, api_key, timeout_seconds, grpc_port if prefer_grpc else None)
    if scheme or not url:
        raise SettingsError(
            f"url: {url!r} is neither http(s)://host:port of a Qdrant server, nor the path of an "
            f"embedded index, nor {MEMORY}"
        )
    from ingest.store.embedded.engine import EmbeddedEngine

    return EmbeddedEngine(_to_path(url))


def open_store(settings: Settings) -> Engine:
    """:func:`connect` to the settings' index.

    Raises:
        DiptychError: See :func:`connect`.
    """
    return connect(
        settings.url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        timeout_seconds=settings.timeout_seconds,
        prefer_grpc=settings.prefer_grpc,
        grpc_port=settings.grpc_port,
    )


def to_index_path(url: str) -> Path | None:
    """The absolute folder of an embedded index; None when the address is of another kind."""
    if url == MEMORY or "://" in url:
        return None
    return _to_path(url).absolute()


def is_server(url: str) -> bool:
    """Whether the address is a server's, which runs on several machines may write to at once."""
    return url != MEMORY and to_index_path(url) is None


def _to_path(url: str) -> Path:
    # Not Path's: it raises where there is no such user, and a name may begin with a tilde.
    return Path(os.path.expanduser(url))  # noqa: PTH111


def _to_scheme(url: str) -> str:
    """The scheme in lower case; empty for a path."""
    if "://" not in url:
        return ""
    try:
        parts = urlsplit(url)
        # Reading the port is what checks it.
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    scheme = url.partition("://")[0].lower()
    if scheme in {"http", "https"} and (not sound or any(map(str.isspace, url))):
        raise SettingsError(f"url: {url!r} is not an address; write http://host:6333")
    return scheme


def _open_server(
    url: str, api_key: str | None, timeout_seconds: float, grpc_port: int | None
) -> Engine:
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        # The key itself stays out of the message.
        raise SettingsError(
            "api_key: it has characters that no request can carry; give printable ASCII, "
            "without line ends"
        )
    from ingest.store.server import ServerEngine

    engine = ServerEngine(url, api_key, timeout_seconds, grpc_port)
    try:
        engine.check_version()
    except BaseException:
        engine.close()
        raise
    return engine
