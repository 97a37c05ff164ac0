"""The encoder that a collection was built with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ingest.encoders.known_space import EncoderRequest

if TYPE_CHECKING:
    from schemas.settings import Settings
    from schemas.space import EmbeddingSpace, Encoder


def load_recorded_encoder(
    recorded: EmbeddingSpace,
    settings: Settings,
    *,
    model: str | None = None,
    threads: int | None = None,
) -> Encoder:
    """The given model, else the one that a collection was built with, in its dtype.

    It is not self-tested: the collection's canary says more, and of the modality in use alone.

    Args:
        recorded: The collection's space.
        settings: Backend, and the folder of a model that is known by its name alone.
        model: Another model, by id or folder.
        threads: Inside one forward pass.

    Raises:
        ModelUnavailable: The model or the extra that runs it is not installed.
    """
    return to_recorded_request(recorded, settings, model=model, threads=threads).load()


def to_recorded_request(
    recorded: EmbeddingSpace,
    settings: Settings,
    *,
    model: str | None = None,
    threads: int | None = None,
) -> EncoderRequest:
    """What :func:`load_recorded_encoder` loads, with the same arguments."""
    chosen = model or _to_own_model(recorded, settings)
    return EncoderRequest(
        model=chosen,
        revision=recorded.revision if chosen == recorded.model_id else settings.revision,
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
