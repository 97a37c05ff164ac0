"""A Qdrant server or cluster."""

from __future__ import annotations

import importlib.metadata
import logging
import math
import warnings

from qdrant_client import QdrantClient
from qdrant_client.common.version_check import is_compatible

from ingest.store.client import ClientEngine
from ingest.store.translate import to_store_error, translated

_log = logging.getLogger(__name__)


class ServerEngine(ClientEngine):
    """A Qdrant server or cluster.

    Args:
        url: ``http(s)://host:port`` of its REST API.
        api_key: Its key, if it asks for one.
        timeout_seconds: Of one request, rounded up to whole seconds.
        grpc_port: Where it speaks gRPC; None to speak REST.

    Raises:
        StoreRejected: The URL makes no sense.
    """

    def __init__(
        self, url: str, api_key: str | None, timeout_seconds: float, grpc_port: int | None
    ) -> None:
        """Prepare the connection; nothing is sent yet."""
        try:
            with warnings.catch_warnings():
                # A key over plain HTTP is how a server on the same machine is reached.
                warnings.filterwarnings("ignore", message="Api key is used with an insecure")
                client = QdrantClient(
                    url=url,
                    api_key=api_key,
                    timeout=max(1, math.ceil(timeout_seconds)),
                    prefer_grpc=grpc_port is not None,
                    grpc_port=grpc_port or 0,
                    # It would ask from a thread and answer by a warning: check_version asks.
                    check_compatibility=False,
                )
        except Exception as error:
            raise to_store_error(error, url) or error from error
        super().__init__(client, url)

    @translated
    def check_version(self) -> None:
        """Ask the server for its version and log a warning when ours does not go with it.

        Raises:
            StoreUnavailable: The server does not answer.
            StoreRejected: It is no Qdrant server, or refuses the key.
        """
        theirs = self._client.info().version
        ours = importlib.metadata.version("qdrant-client")
        if not is_compatible(ours, theirs):
            _log.warning(
                "%s runs Qdrant %s, but this client is of %s: the minor versions should be within "
                "one of each other",
                self.address,
                theirs,
                ours,
            )
