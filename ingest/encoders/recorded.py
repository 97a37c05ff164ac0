"""The encoder that a collection was built with."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ModelUnavailable

if TYPE_CHECKING:
    from schemas.settings import Settings
    from schemas.space import EmbeddingSpace, Encoder


def load_recorded_encoder(
    recorded: EmbeddingSpace,
    settings: Settings,
    *,
    model: str | None = None,
    folder: str | None = None,
    threads: int | None = None,
) -> Encoder:
    """The given model, else the one that a collection was built with, in its dtype.

    It is not self-tested: the collection's canary says more, and of the modality in use alone.

    Args:
        recorded: The collection's space.
        settings: Backend, and the folder of a model that is known by its name alone.
        model: Another model, by id or folder.
        folder: Where the recorded model was once loaded from. It is looked at where nothing else
            says where the model is, and used if it still holds the recorded revision.
        threads: Inside one forward pass.

    Raises:
        ModelUnavailable: The model or the extra that runs it is not installed.
    """
    from ingest.encoders.load import load_encoder
    from ingest.encoders.transformer.files import is_folder

    load = partial(
        load_encoder,
        threads=threads,
        backend=settings.backend,
        dtype=recorded.dtype,
        check=False,
    )
    chosen = model or _to_own_model(recorded, settings)
    if chosen != recorded.model_id:
        return load(chosen, revision=settings.revision)
    if folder is not None and is_folder(folder):
        with suppress(ModelUnavailable):  # other files are there now: what to set is said below
            return load(folder, revision=recorded.revision)
    return load(chosen, revision=recorded.revision)


def _to_own_model(recorded: EmbeddingSpace, settings: Settings) -> str:
    """What to load it by: a model from a folder is recorded by the folder's name, not its path."""
    folder = Path(settings.model).expanduser()
    is_it = folder.is_dir() and folder.resolve().name == recorded.model_id
    return settings.model if is_it else recorded.model_id
