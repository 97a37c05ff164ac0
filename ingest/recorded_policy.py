"""How a collection's items are decoded and cut, where that was chosen when it was built."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ingest.store.collections import resolve_collection
from schemas.errors import CollectionMissing

if TYPE_CHECKING:
    from ingest.store.engine import Engine
    from schemas.settings import Settings

POLICY = "policy"
"""Key in a collection's metadata: name of a setting -> its value."""

_CHOICES = ("chunk_overlap_tokens", "frames", "figures", "ocr")


def to_policy_metadata(settings: Settings) -> dict[str, Any]:
    """What is kept of the settings in the metadata of a generation that they build."""
    return {POLICY: {name: getattr(settings, name) for name in _CHOICES}}


def with_recorded_policy(engine: Engine, settings: Settings) -> Settings:
    """The settings; what they leave open is as the live generation was built.

    So a schedule does not undo a migration by encoding everything anew, in place.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    recorded: dict[str, Any] = {}
    with suppress(CollectionMissing):
        recorded = resolve_collection(engine, settings.collection).metadata.get(POLICY) or {}
    chosen = settings.model_fields_set
    left_open = {
        name: value
        for name, value in recorded.items()
        if name in _CHOICES and name not in chosen and value != getattr(settings, name)
    }
    return settings.model_copy(update=left_open) if left_open else settings
