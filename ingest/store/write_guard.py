"""What stands before every write: is the run still the only one, and do ledgers know of it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

from ingest.store.payload_indexes import ensure_payload_indexes
from ingest.store.words import ensure_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.store.engine import Engine

SYNC_TOKEN = "sync_token"  # noqa: S105 - a name, no secret
"""Key in a collection's metadata. Before a run writes and after it has, it gets another value, so a
ledger that was sealed with the value that stands there knows all that was written."""


class WriteGuard:
    """Called before every write to one collection.

    The first call makes the payload indexes and words that are missing, and puts a fresh token into
    the collection's metadata, from which on no ledger agrees with it.

    Args:
        engine: Where the collection is.
        collection_name: Its own name.
        check: Called every time; raises when the run may not write any more.
        token: What the collection carried when the run began.
        confirm: Called before the first write; raises when the run is not what it is taken for.

    Attributes:
        has_written: Whether anything was about to be written.
    """

    def __init__(
        self,
        engine: Engine,
        collection_name: str,
        *,
        check: Callable[[], None] = lambda: None,
        token: str | None = None,
        confirm: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is written yet."""
        self._token = token
        self._engine = engine
        self._collection_name = collection_name
        self._check = check
        self._confirm = confirm
        self._lock = Lock()
        self.has_written = False

    def __call__(self) -> None:
        """Allow a write.

        Raises:
            LockHeld: Another run has taken over.
            StoreUnavailable: The token could not be written.
        """
        self._check()
        with self._lock:
            if not self.has_written:
                self._confirm()
                ensure_payload_indexes(self._engine, self._collection_name)
                ensure_words(self._engine, self._collection_name)
                self._replace_token()
                self.has_written = True

    def seal(self) -> str:
        """Flush, and end with a token that a ledger may agree on.

        Returns:
            The token; where nothing was written, the one that the run began with.
        """
        self._check()
        if self._token is not None and not self.has_written:
            return self._token  # if another run has replaced it since, nobody believes the ledger
        self._engine.flush()
        self._check()
        return self._replace_token()

    def _replace_token(self) -> str:
        token = str(uuid4())
        self._engine.update_collection(self._collection_name, metadata={SYNC_TOKEN: token})
        return token
