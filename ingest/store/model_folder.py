"""Where a collection's model was loaded from, if that was a folder.

A space names such a model by the folder's name and a hash of its files, not by its path: the same
files elsewhere are the same model. The path is kept beside it, as a hint.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingest.encoders.transformer.files import is_folder

if TYPE_CHECKING:
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.settings import Settings

MODEL_FOLDER: Final = "model_folder"
"""Key in a collection's metadata: the folder's absolute path."""


def read_model_folder(collection: ConcreteCollection) -> str | None:
    """The folder that a collection's model was last loaded from; None for other models."""
    folder = collection.metadata.get(MODEL_FOLDER)
    return folder if isinstance(folder, str) else None


def remember_model_folder(
    engine: Engine,
    collection: ConcreteCollection,
    settings: Settings,
    *,
    former: ConcreteCollection | None = None,
) -> None:
    """Keep where the model is; nothing is written when that is known, or it is no folder.

    Args:
        engine: Where the collection is.
        collection: In the space of the model.
        settings: Say where the model is.
        former: Of the same model, perhaps: what is kept of it holds where the settings say nothing.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    folder = _to_own_folder(collection, settings)
    if folder is None and former is not None and former.space.revision == collection.space.revision:
        folder = read_model_folder(former)
    if folder is not None and read_model_folder(collection) != folder:
        engine.update_collection(collection.name, metadata={MODEL_FOLDER: folder})


def _to_own_folder(collection: ConcreteCollection, settings: Settings) -> str | None:
    """The folder that the settings name, if the collection's model is called like it."""
    if not is_folder(settings.model):
        return None
    folder = Path(settings.model).expanduser().resolve()
    return str(folder) if folder.name == collection.space.model_id else None
