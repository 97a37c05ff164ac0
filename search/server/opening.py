"""The searcher of a server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from search.collection_encoder import load_collection_encoder
from search.searcher import Searcher
from search.server.measured_encoder import MeasuredEncoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Encoder
    from search.server.metrics import Metrics


def open_searcher(
    settings: Settings,
    metrics: Metrics,
    *,
    engine: Engine | None = None,
    load_encoder: Callable[[ConcreteCollection], Encoder] | None = None,
) -> Searcher:
    """A searcher that follows the collection's name, its encoder measured.

    Args:
        settings: Index, collection, limits.
        metrics: Are told what is encoded.
        engine: An open store; by default the settings' own. The searcher closes it.
        load_encoder: Gives the encoder of a collection; by default its own model's.

    Raises:
        DiptychError: As :meth:`search.searcher.Searcher.open` does.
    """
    from ingest.decode.limits import Limits
    from ingest.store.connect import open_store

    load = load_encoder or partial(load_collection_encoder, model=None, settings=settings)

    def load_measured(collection: ConcreteCollection) -> Encoder:
        return MeasuredEncoder(load(collection), metrics)

    engine = engine or open_store(settings)
    try:
        return Searcher.follow(
            engine,
            settings.collection,
            load_measured,
            limits=Limits.from_settings(settings),
            refresh_seconds=settings.refresh_seconds,
        )
    except BaseException:
        engine.close()
        raise
