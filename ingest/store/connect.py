"""From an address to an engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from ingest.store.engine import Engine

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
        SettingsError: The address is of no known kind.
        StoreUnavailable: The server does not answer.
        StoreRejected: The server refuses the key, or the path is not an index of ours.
    """
    if url == MEMORY:
        from ingest.store.memory import MemoryEngine

        return MemoryEngine()
    scheme = urlsplit(url).scheme.lower() if "://" in url else ""
    if scheme in {"http", "https"}:
        return _open_server(url, api_key, timeout_seconds, grpc_port if prefer_grpc else None)
    if scheme or not url:
        raise SettingsError(
            f"url: {url!r} is neither http(s)://host:port of a Qdrant server, nor the path of an "
            f"embedded index, nor {MEMORY}"
        )
    from ingest.store.embedded.engine import EmbeddedEngine

    # Not Path's: it raises where there is no such user, and a name may begin with a tilde.
    return EmbeddedEngine(Path(os.path.expanduser(url)))  # noqa: PTH111


def _open_server(
    url: str, api_key: str | None, timeout_seconds: float, grpc_port: int | None
) -> Engine:
    from ingest.store.server import ServerEngine

    engine = ServerEngine(url, api_key, timeout_seconds, grpc_port)
    try:
        engine.check_version()
    except BaseException:
        engine.close()
        raise
    return engine
