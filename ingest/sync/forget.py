"""Forget roots: their points, what the ledger knows of them, their dead letters, their names."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ingest.dead_letters import DeadLetters, write_dead_letters
from ingest.ledger.ledger import Ledger
from ingest.plan import read_root
from ingest.sources.uris import to_root
from ingest.store.collections import read_collection, resolve_collection
from ingest.store.generations import list_generations
from ingest.store.retrying import open_store_patiently
from ingest.store.write_guard import SYNC_TOKEN, WriteGuard
from ingest.store.writer import Writer
from ingest.sync.roots import find_root_names, forget_remembered, read_roots
from ingest.sync.run_lock import only_run
from ingest.sync.session import with_sound_ledger
from ingest.sync.state import to_dead_letters_path, to_ledger_path, to_state_dir
from schemas.collection import root_filter
from schemas.errors import UnknownRoot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from ingest.store.engine import Engine
    from ingest.store.generations import Generation
    from schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        collection: The live generation.
        items: Indexed items that it had of each root.
        points: Points that were removed, of all generations; 0 if nothing was.
        is_done: False if it was not agreed to.
    """

    collection: str
    items: Mapping[str, int]
    points: int = 0
    is_done: bool = False


def forget_roots(
    names: Sequence[str],
    settings: Settings,
    *,
    engine: Engine | None = None,
    agrees: Callable[[Forgotten], bool] = lambda _: True,
) -> Forgotten:
    """Remove everything of some roots from all generations of a collection; sources are untouched.

    Running it again after a crash goes on: the live generation's points go last, and a root's name
    after its points.

    Args:
        names: Of the roots.
        settings: Index and collection.
        engine: An open store, left open; by default the settings' own, opened and closed.
        agrees: Asked before anything is removed; shown what would be.

    Raises:
        UnknownRoot: Nothing of a root of that name is there, nor is it remembered.
        CollectionMissing: There is no such collection.
        LockHeld: A run is under way.
        StoreUnavailable: The server stayed away for longer than retries last.
        StoreError: The ledger or the dead letters cannot be read or written.
    """
    with ExitStack() as stack:
        engine = engine or stack.enter_context(closing(open_store_patiently(settings)))
        live = resolve_collection(engine, settings.collection).name
        generations = sorted(list_generations(engine, settings.collection), key=_is_live)
        _check_known(engine, generations, names)
        items = {name: len(read_root(engine, live, name)) for name in dict.fromkeys(names)}
        found = Forgotten(live, items)
        if not agrees(found):
            return found
        state_dir = to_state_dir(settings)
        checks = [  # all of them before anything is removed
            stack.enter_context(only_run(engine, one.name, settings, state_dir))
            for one in generations
        ]
        points = 0
        for generation, check in zip(generations, checks, strict=True):
            run = partial(_forget, engine, generation, settings, items.keys(), check)
            points += with_sound_ledger(run, settings, generation.name)
        engine.flush()
        return replace(found, points=points, is_done=True)


def _is_live(generation: Generation) -> bool:
    return generation.is_live


def _check_known(engine: Engine, generations: Sequence[Generation], names: Sequence[str]) -> None:
    known: set[str] = set()
    for generation in generations:
        known |= read_roots(read_collection(engine, generation.name).metadata).keys()
    if not known.issuperset(names):  # else nobody has to look at every point
        for generation in generations:
            known |= find_root_names(engine, generation.name)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownRoot(
            f"the collection has no root {unknown[0]!r}; it has "
            f"{', '.join(map(repr, sorted(known))) or 'none at all'}"
        )


def _forget(
    engine: Engine,
    generation: Generation,
    settings: Settings,
    names: AbstractSet[str],
    check: Callable[[], None],
) -> int:
    """Forget in one generation; gives how many points were removed."""
    state_dir = to_state_dir(settings)
    token = engine.read_metadata(generation.name).get(SYNC_TOKEN)
    guard = WriteGuard(engine, generation.name, check=check, token=token)
    writer = Writer(engine, generation.name, before_write=guard)
    removed = sum(writer.delete(root_filter(name)) for name in names)
    guard()  # from here on no ledger agrees, also if there were no points
    if state_dir is not None:
        _forget_letters(_to_letters_path(state_dir, settings, generation), names)
    path = to_ledger_path(state_dir, generation.name) if state_dir is not None else None
    if path is None or not path.exists():
        forget_remembered(engine, generation.name, names)
        return removed
    with closing(Ledger(path)) as ledger:
        states = ledger.read_roots() if token else {}
        for name in names:
            ledger.forget_root(name)
        forget_remembered(engine, generation.name, names)
        agreed = {name: one for name, one in states.items() if one.token == token}
        ledger.seal(guard.seal(), {name: agreed[name] for name in agreed.keys() - names})
    return removed


def _to_letters_path(state_dir: Path, settings: Settings, generation: Generation) -> Path:
    """The live one's are the collection's; others have their own, if any."""
    return to_dead_letters_path(
        state_dir, settings, None if generation.is_live else generation.name
    )


def _forget_letters(path: Path, names: Collection[str]) -> None:
    failures = DeadLetters.read(path).failures
    kept = [one for uri, one in failures.items() if to_root(uri) not in names]
    if len(kept) < len(failures):
        write_dead_letters(path, kept)
