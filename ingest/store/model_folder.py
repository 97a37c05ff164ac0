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
    engine: Engine, collection: ConcreteCollection, settings: Settings
) -> None:
    """Keep where the model is; nothing is written when that is known, or it is no folder.

    Args:
        engine: Where the collection is.
        collection: In the space of the model.
        settings: Say where the model is.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    if not is_folder(settings.model):
        return
    folder = Path(settings.model).expanduser().resolve()
    is_its_own = folder.name == collection.space.model_id
    if is_its_own and read_model_folder(collection) != str(folder):
        engine.update_collection(collection.name, metadata={MODEL_FOLDER: str(folder)})
