"""The encoder that a collection was built with."""

from __future__ import annotations

from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING

from ingest.encoders.catalogue import is_listed
from ingest.encoders.known_space import EncoderRequest
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
        folder: Where the recorded model was once loaded from: used where nothing else says where
            the model is, and if it still holds the recorded revision.
        threads: Inside one forward pass.

    Raises:
        ModelUnavailable: The model or the extra that runs it is not installed.
    """
    return to_recorded_request(
        recorded, settings, model=model, folder=folder, threads=threads
    ).load()


def to_recorded_request(
    recorded: EmbeddingSpace,
    settings: Settings,
    *,
    model: str | None = None,
    folder: str | None = None,
    threads: int | None = None,
) -> EncoderRequest:
    """What :func:`load_recorded_encoder` loads, with the same arguments.

    Raises:
        ModelUnavailable: It was loaded from a folder that does not hold it any more.
    """
    chosen = model or _to_own_model(recorded, settings)
    if chosen == recorded.model_id and folder is not None:
        if _holds(folder, recorded.revision):
            chosen = folder
        elif not is_listed(chosen) and not _holds(chosen, recorded.revision):
            raise ModelUnavailable(_to_loss(recorded, folder, settings))
    return EncoderRequest(
        model=chosen,
        revision=recorded.revision if chosen in (recorded.model_id, folder) else settings.revision,
        threads=threads,
        backend=settings.backend,
        dtype=recorded.dtype,
        check=False,
    )


def _to_own_model(recorded: EmbeddingSpace, settings: Settings) -> str:
    """What to load it by: a model from a folder is recorded by the folder's name, not its path."""
    folder = Path(settings.model).expanduser()
    is_it = folder.is_dir() and folder.resolve().name == recorded.model_id
    return settings.model if is_it else recorded.model_id


def _to_loss(recorded: EmbeddingSpace, folder: str, settings: Settings) -> str:
    """What is said where a folder does not hold the collection's model any more."""
    where = f"the collection's model {recorded.model_id!r} was loaded from {folder}, where "
    if not _holds(folder, None):
        return (
            f"{where}no model is any more: put it back, or name the folder's path as the model; a "
            f"folder of another name is another model"
        )
    return (
        f"{where}other files are now: put the former ones back ({recorded.revision}), or have the "
        f"collection built anew with what is there, by {_to_migration(folder, settings)}"
    )


def _to_migration(folder: str, settings: Settings) -> str:
    """The command line that builds the settings' collection anew with a folder's model."""
    words = ["diptych", "migrate", "--model", folder, "--no-evaluate"]
    for name in ("url", "collection"):
        if name in settings.model_fields_set:
            words += [f"--{name}", getattr(settings, name)]
    return join(words)


def _holds(folder: str, revision: str | None) -> bool:
    """Whether it is a folder with a model: of a revision, where one is named."""
    from ingest.encoders.transformer.files import find_model, is_folder

    if not is_folder(folder):
        return False
    try:
        find_model(folder, revision)
    except ModelUnavailable:
        return False
    return True
