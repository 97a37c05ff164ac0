"""Where a run keeps what is its own: the ledger, the lock, dead letters, reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.dead_letters import DEAD_LETTERS
from ingest.store.connect import MEMORY, to_index_path

if TYPE_CHECKING:
    from schemas.settings import Settings

_APPLICATION = "diptych"


def to_state_dir(settings: Settings) -> Path | None:
    """The folder of a collection's state; None where the index itself is gone with the process.

    It is ``settings.state_dir``; without it an embedded index's own folder, and for a server one in
    the user's state folder that is named after the server's address.
    """
    if settings.state_dir is not None:
        return settings.state_dir.expanduser().absolute()
    if settings.url == MEMORY:
        return None
    index = to_index_path(settings.url)
    return index if index is not None else _to_user_dir(settings.url)


def to_ledger_path(state_dir: Path, generation: str) -> Path:
    """The ledger of one generation of a collection."""
    return state_dir / "ledger" / f"{generation}.sqlite"


def to_lock_path(state_dir: Path, generation: str) -> Path:
    """What a run on one generation locks."""
    return state_dir / "ledger" / f"{generation}.lock"


def to_known_spaces_path(state_dir: Path) -> Path:
    """Where it is kept what space a model had; see :mod:`ingest.encoders.known_space`."""
    return state_dir / "ledger"


def to_dead_letters_path(
    state_dir: Path, settings: Settings, generation: str | None = None
) -> Path:
    """The dead letters of a collection; in an embedded index those of ``diptych ingest``.

    Args:
        state_dir: See :func:`to_state_dir`.
        settings: Name the collection.
        generation: One that is being built has its own.
    """
    if generation is not None:
        return state_dir / "ledger" / f"{generation}-{DEAD_LETTERS}"
    if to_index_path(settings.url) == state_dir:
        return state_dir / DEAD_LETTERS
    return state_dir / f"{settings.collection}-{DEAD_LETTERS}"


def _to_user_dir(url: str) -> Path:
    from blake3 import blake3
    from platformdirs import user_state_path

    readable = re.sub(r"[^A-Za-z0-9.]+", "_", url.partition("://")[2]).strip("_")[:60]
    digest = blake3(url.encode()).hexdigest()[:8]
    return Path(user_state_path(_APPLICATION)) / f"{readable}-{digest}"
