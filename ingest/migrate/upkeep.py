"""What is kept beside generations: by what they are known, and what goes when they go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ingest.assembly import to_fingerprints
from ingest.encoders.canary import check_canary
from ingest.recorded_policy import to_policy_metadata
from ingest.store.generations import TARGET, prune
from ingest.store.model_folder import remember_model_folder
from ingest.sync.run_lock import only_run
from ingest.sync.state import (
    to_dead_letters_path,
    to_ledger_path,
    to_lock_path,
    to_state_dir,
)
from schemas.errors import SpaceMismatch

if TYPE_CHECKING:
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Encoder


def to_target(settings: Settings, encoder: Encoder) -> str:
    """Digest of everything that decides a generation's points besides the items' bytes."""
    from blake3 import blake3

    said = to_fingerprints(settings, encoder.space).to_choices()
    return blake3(json.dumps(said).encode()).hexdigest()


def note_making(
    engine: Engine,
    collection: ConcreteCollection,
    settings: Settings,
    target: str,
    live: ConcreteCollection,
) -> None:
    """Keep in a generation's metadata by what it is known, and how schedules go on with it.

    Nothing is written where it is noted already. Of the live one something else may be noted: runs
    with other settings have encoded its items anew, in place.
    """
    made = {TARGET: target, **to_policy_metadata(settings)}
    if any(collection.metadata.get(key) != value for key, value in made.items()):
        engine.update_collection(collection.name, metadata=made)
    remember_model_folder(engine, collection, settings, former=live)


def may_lend(live: ConcreteCollection, encoder: Encoder) -> bool:
    """Whether the live generation's vectors are those that the encoder would give.

    They lie in the same space, and the encoder still gives the vectors of its canary.
    """
    if live.space != encoder.space:
        return False
    try:
        check_canary(encoder, live.canary, encoder.space.modalities)
    except SpaceMismatch:
        return False
    return True


def prune_generations(
    engine: Engine, settings: Settings, *, keep: int = 1, abandon: bool = False
) -> list[str]:
    """Remove generations that are not needed any more, with their ledgers.

    Returns:
        Their names; those that a run is working on are left for the next time.
    """
    removed = prune(
        engine,
        settings.collection,
        keep=keep,
        abandon=abandon,
        hold=lambda name: only_run(engine, name, settings),
    )
    state_dir = to_state_dir(settings)
    if state_dir is None:
        return removed
    for name in removed:
        ledger = to_ledger_path(state_dir, name)
        letters = to_dead_letters_path(state_dir, settings, name)
        sidecars = [ledger.with_name(ledger.name + suffix) for suffix in ("-wal", "-shm")]
        for path in (ledger, letters, to_lock_path(state_dir, name), *sidecars):
            path.unlink(missing_ok=True)
    return removed


def adopt_dead_letters(settings: Settings, generation: str) -> None:
    """What failed in the build of a generation is what fails in the collection from now on."""
    state_dir = to_state_dir(settings)
    if state_dir is not None:
        built = to_dead_letters_path(state_dir, settings, generation)
        if built.exists():
            built.replace(to_dead_letters_path(state_dir, settings))
