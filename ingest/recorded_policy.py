"""How a collection's items are decoded and cut, where that was chosen when it was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.store.collections import ConcreteCollection
    from schemas.settings import Settings

POLICY = "policy"
"""Key in a collection's metadata: name of a setting -> its value."""

_CHOICES = ("chunk_overlap_tokens", "frames", "figures", "ocr")


def to_policy_metadata(settings: Settings) -> dict[str, Any]:
    """What is kept of the settings in the metadata of a generation that they build."""
    return {POLICY: {name: getattr(settings, name) for name in _CHOICES}}


def with_recorded_policy(live: ConcreteCollection | None, settings: Settings) -> Settings:
    """The settings; what they leave open is as the live generation was built, if there is one.

    So a schedule does not undo a migration by encoding everything anew, in place.
    """
    recorded: dict[str, Any] = (live.metadata.get(POLICY) if live else None) or {}
    chosen = settings.model_fields_set
    left_open = {
        name: value
        for name, value in recorded.items()
        if name in _CHOICES and name not in chosen and value != getattr(settings, name)
    }
    return settings.model_copy(update=left_open) if left_open else settings
