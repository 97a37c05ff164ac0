"""An engine that outlasts a busy or restarting server, for runs that nobody waits for.

A search should answer or fail at once; a synchronisation should not end for half a minute's outage.
What :class:`ingest.store.writer.Writer` writes is left to it, which retries in its own way.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from ingest.store.connect import open_store
from ingest.store.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event
    from typing import Self

    import tenacity

    from ingest.store.engine import Engine
    from schemas.settings import Settings

_log = logging.getLogger(__name__)

RETRIED: Final = frozenset(
    {
        "collection_exists",
        "count",
        "create_collection",
        "create_payload_index",
        "delete_collection",
        "facet",
        "get_aliases",
        "get_collection",
        "get_collection_aliases",
        "get_collections",
        "optimize",
        "query_batch_points",
        "query_points",
        "query_points_groups",
        "read_metadata",
        "retrieve",
        "scroll",
        "update_collection",
        "update_collection_aliases",
        "update_vectors",
    }
)
"""Reads, and writes that may be repeated when an answer got lost.

A repeated ``create_collection`` may be told that the name is taken (by itself), a repeated
``delete_collection`` that nothing was there, and so may a repeated removal of an alias.
"""

CONNECTING_SECONDS: Final = 60.0
"""How long a scheduled run tries its first request: a restart takes less, and a wrong address is
noticed within a minute."""


def open_store_patiently(
    settings: Settings, *, connecting_seconds: float = 0.0, stopping: Event | None = None
) -> Engine:
    """:func:`ingest.store.connect.open_store` for runs that should outlast an outage.

    Args:
        settings: Name the index.
        connecting_seconds: How long the first request is tried; without it once, so that whoever
            mistyped an address is told at once.
        stopping: Ends the patience of every request, once it is set.

    Returns:
        An engine that repeats what may be repeated, as :func:`with_retries`.

    Raises:
        RunStopped: ``stopping`` was set before the first answer.
        DiptychError: See :func:`ingest.store.connect.connect`.
    """
    patience = Patience(total_seconds=connecting_seconds, stopping=stopping)
    engine: Engine = _retrying(patience)(open_store, settings)
    return with_retries(engine, Patience(stopping=stopping)) if "://" in settings.url else engine


def with_retries(engine: Engine, patience: Patience | None = None) -> Engine:
    """An engine whose reads and idempotent writes are repeated while the store is unavailable.

    Args:
        engine: Closed with the one returned.
        patience: How long one request is tried.

    Returns:
        The same methods; those of :data:`RETRIED` raise ``StoreUnavailable`` only when patience
        has ended.
    """
    return cast("Engine", _Retrying(without_retries(engine), patience or Patience()))


def without_retries(engine: Engine) -> Engine:
    """The engine beneath :func:`with_retries`, or the engine itself."""
    return engine.beneath if isinstance(engine, _Retrying) else engine


def to_patience(engine: Engine) -> Patience:
    """How long the requests of an engine are tried; as long as usual where it retries none."""
    return engine.patience if isinstance(engine, _Retrying) else Patience()


class _Retrying:
    """Passes every method on, those of :data:`RETRIED` through a retry."""

    def __init__(self, beneath: Engine, patience: Patience) -> None:
        self.beneath = beneath
        self.patience = patience

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the engine
        found = getattr(self.beneath, name)
        return partial(self._call, found) if name in RETRIED else found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.beneath.close()

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - likewise
        return _retrying(self.patience)(method, *args, **kwargs)


def _retrying(patience: Patience) -> tenacity.Retrying:
    return patience.to_retrying(patience.to_deadline()).copy(before_sleep=_tell)


def _tell(state: tenacity.RetryCallState) -> None:
    error = state.outcome and state.outcome.exception()
    _log.warning("%s; again in %.1f s", error, state.upcoming_sleep)
