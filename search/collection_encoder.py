"""The encoder that goes with a collection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import SpaceMismatch

if TYPE_CHECKING:
    from ingest.store.collections import ConcreteCollection
    from schemas.settings import Settings
    from schemas.space import Encoder


def load_collection_encoder(
    collection: ConcreteCollection, *, model: str | None, settings: Settings
) -> Encoder:
    """The given model, else the collection's own; its text tower alone where it was exported.

    Args:
        collection: Whose vectors it is to go with.
        model: Id or folder; None for the collection's own.
        settings: How it runs.

    Raises:
        SpaceMismatch: It is another model than the collection was built with.
        ModelUnavailable: The model or the extra that runs it is not installed.
    """
    from ingest.encoders.query_encoder import load_query_encoder
    from ingest.encoders.recorded import to_recorded_request
    from ingest.store.model_folder import read_model_folder

    _check_model(collection, model)
    request = to_recorded_request(
        collection.space,
        settings,
        model=model,
        folder=read_model_folder(collection),
        threads=settings.workers,
    )
    return load_query_encoder(request, collection.space, collection.canary)


def _check_model(collection: ConcreteCollection, model: str | None) -> None:
    """Refuse another model by its name, before anything of it is fetched or loaded.

    A folder is known by what is in it, so it is loaded first.
    """
    recorded = collection.space.model_id
    if model in (None, recorded) or Path(str(model)).expanduser().exists():
        return
    raise SpaceMismatch(
        f"collection {collection.name!r} was built with {recorded}, not with {model}: leave the "
        f"model out, or name a collection that was built with it"
    )
