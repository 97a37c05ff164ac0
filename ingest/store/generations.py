"""Generations of a collection: built beside the live one, published, rolled back, removed.

Every step may be repeated after it was cut short.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ingest.store.collections import (
    create_collection,
    point_alias,
    read_aliases,
    read_collection,
    read_names,
)
from ingest.store.payload_indexes import ensure_payload_indexes
from schemas.collection import from_generation, to_generation
from schemas.errors import CollectionMissing, LockHeld, MigrationRefused, StoreRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from ingest.store.collections import Canary, ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.space import EmbeddingSpace

STATE: Final = "state"
"""Metadata key: :data:`BUILDING`, then :data:`PUBLISHING`; missing in one that was published."""

BUILDING: Final = "building"
PUBLISHING: Final = "publishing"
"""It is whole, and its alias is about to be moved or has just been."""

TARGET: Final = "target"
"""Metadata key: digest of what a generation is built for; an interrupted build is known by it."""

PREVIOUS: Final = "previous"
"""Metadata key of a published generation: which one it took the place of."""

HIGHEST: Final = "highest_generation"
"""Metadata key: the highest number that was ever removed. No number is given twice: a searcher that
has not noticed yet would ask another model's collection under the name that it knows."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation, as a list of them shows it.

    Attributes:
        name: The collection's own name.
        number: Counted from 1.
        model_id: Of its embedding space.
        is_live: Whether the alias points to it.
        is_building: Whether it has not been published yet.
        previous: The generation that it took the place of.
        created_at: ISO 8601 in UTC.
        points: How many it holds; None where they were not counted.
    """

    name: str
    number: int
    model_id: str
    is_live: bool
    is_building: bool
    previous: str | None
    created_at: str | None
    points: int | None = None


def list_generations(engine: Engine, name: str, *, counts: bool = False) -> list[Generation]:
    """All generations of a collection, oldest first.

    Those that are not ours, are damaged or are being removed are left out.

    Args:
        engine: Where they are.
        name: The alias.
        counts: Whether to count their points, for which an embedded index loads them.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    live = read_aliases(engine).get(name)
    found = []
    for number in _read_numbers(engine, name):
        try:
            collection = read_collection(engine, to_generation(name, number))
            points = engine.count(collection.name).count if counts else None
        except (StoreRejected, CollectionMissing):
            continue
        one = _to_generation(collection, number, is_live=collection.name == live)
        found.append(replace(one, points=points))
    return found


def ensure_building(
    engine: Engine,
    name: str,
    space: EmbeddingSpace,
    canary: Canary,
    target: str,
    *,
    is_alike: Callable[[str], bool] = lambda _: False,
) -> ConcreteCollection:
    """A generation to build in.

    It is the one that an interrupted build for the same target left; else one that is kept and
    alike, such as one that was rolled back from; else new.

    Args:
        engine: Where to.
        name: The alias.
        space: Where its vectors will lie.
        canary: Kept in the metadata of a new one.
        target: Digest of everything that decides its points.
        is_alike: Whether the points of a kept generation of the space are made as these will be.

    Raises:
        StoreRejected: Another run has just made one with the same number for something else.
        StoreUnavailable: The store did not answer; call again.
    """
    generations = list_generations(engine, name)
    for building in reversed([one for one in generations if one.is_building]):
        found = read_collection(engine, building.name)
        if _is_for(found, space, target):
            return _resume(engine, found, target)
    pointed = set(read_aliases(engine).values())
    former = [one for one in generations if not one.is_building and one.name not in pointed]
    for kept in reversed(former):
        found = read_collection(engine, kept.name)
        if found.space == space and is_alike(found.name):
            return _resume(engine, found, target)
    concrete = to_generation(name, _read_highest(engine, name, generations) + 1)
    marks = {STATE: BUILDING, TARGET: target}
    create_collection(engine, concrete, space, canary, more=marks)
    made = read_collection(engine, concrete)
    if not _is_for(made, space, target):
        raise StoreRejected(f"{concrete} was made by another run meanwhile; run this one again")
    return made


def publish(engine: Engine, name: str, generation: str) -> str | None:
    """Point the alias to a generation, by one lone ``CreateAlias``.

    (A delete and a create are saved one after the other: between them the alias can get lost.)
    When it is cut short, :func:`ensure_building` finds a generation that is not live yet again, and
    calling it again for one that is live finishes it.

    Returns:
        The generation that was live before.
    """
    before = read_aliases(engine).get(name)
    if before not in (None, generation):
        _settle(engine, before)
        engine.update_collection(generation, metadata={STATE: PUBLISHING, PREVIOUS: before})
    point_alias(engine, name, generation)
    _settle(engine, generation)
    return before


def roll_back(engine: Engine, name: str) -> tuple[str, str]:
    """Point the alias back to the generation that the live one took the place of.

    Returns:
        The generation that is live now, and the one that was.

    Raises:
        MigrationRefused: There is none any more.
    """
    live = read_aliases(engine).get(name)
    previous = read_collection(engine, live).metadata.get(PREVIOUS) if live else None
    if live is None or previous is None or previous not in read_names(engine):
        raise MigrationRefused(
            f"collection {name!r}: there is no generation to roll back to"
            + (f"; {previous} has been removed" if previous else "")
        )
    # What is live was published, even if the run that did so was cut short.
    _settle(engine, live)
    point_alias(engine, name, previous)
    _settle(engine, previous)  # a migration may have begun to bring it up to date
    return previous, live


def prune(
    engine: Engine,
    name: str,
    *,
    keep: int = 1,
    abandon: bool = False,
    hold: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> list[str]:
    """Remove generations that are not needed any more; never one that an alias points to.

    Args:
        engine: Where they are.
        name: The alias.
        keep: How many of the others to keep for a rollback, first the one that the live one took
            the place of, then the newest.
        abandon: Whether to remove those that are being built, too.
        hold: Keeps others from writing to a generation while it is removed; one that raises
            ``LockHeld`` is left for the next time.

    Returns:
        The names of those that were removed.

    Raises:
        CollectionMissing: None is live, so any of them may be the one that is needed.
        StoreUnavailable: The store did not answer; call again.
    """
    generations = list_generations(engine, name)
    live = next((one for one in generations if one.is_live), None)
    if live is None:
        raise CollectionMissing(
            f"collection {name!r} has no live generation, so none can be spared; if its alias was "
            f"lost, an ingestion points it to the newest: diptych ingest FOLDER --collection {name}"
        )
    pointed = set(read_aliases(engine).values())
    spare = [one for one in generations if one.name not in pointed]
    # One that is brought up to date to be published again is what a rollback goes to until then.
    former = [one for one in spare if not one.is_building or one.name == live.previous]
    former.sort(key=lambda one: (one.name == live.previous, one.number), reverse=True)
    building = [one for one in spare if one.is_building and abandon and one not in former]
    removed = [one.name for one in former[keep:] + building]
    if removed:
        highest = _read_highest(engine, name, generations)
        engine.update_collection(live.name, metadata={HIGHEST: highest})
    return [one for one in removed if _remove(engine, one, hold)]


def _remove(
    engine: Engine, generation: str, hold: Callable[[str], AbstractContextManager[object]]
) -> bool:
    try:
        with hold(generation):
            engine.delete_collection(generation)
    except LockHeld:
        return False
    return True


def _is_for(collection: ConcreteCollection, space: EmbeddingSpace, target: str) -> bool:
    return collection.metadata.get(TARGET) == target and collection.space == space


def _resume(engine: Engine, building: ConcreteCollection, target: str) -> ConcreteCollection:
    """One that is there, to be built in (again)."""
    ensure_payload_indexes(engine, building.name)
    marks = {STATE: BUILDING, TARGET: target}
    if any(building.metadata.get(key) != mark for key, mark in marks.items()):
        engine.update_collection(building.name, metadata=marks)
    return read_collection(engine, building.name)


def _settle(engine: Engine, generation: str | None) -> None:
    """Take the mark of a build from a generation that is published."""
    if generation is not None and engine.read_metadata(generation).get(STATE) is not None:
        engine.update_collection(generation, metadata={STATE: None})


def _read_highest(engine: Engine, name: str, generations: Iterable[Generation]) -> int:
    """The highest number that a generation has or had."""
    marks = (engine.read_metadata(one.name).get(HIGHEST) for one in generations)
    removed = [mark for mark in marks if isinstance(mark, int)]
    return max([0, *removed, *_read_numbers(engine, name)])


def _read_numbers(engine: Engine, name: str) -> list[int]:
    parsed = (from_generation(collection) for collection in read_names(engine))
    return sorted(one[1] for one in parsed if one is not None and one[0] == name)


def _to_generation(collection: ConcreteCollection, number: int, *, is_live: bool) -> Generation:
    metadata: Mapping[str, Any] = collection.metadata
    return Generation(
        name=collection.name,
        number=number,
        model_id=collection.space.model_id,
        is_live=is_live,
        # One that is live was published, even if the run that did so was cut short.
        is_building=metadata.get(STATE) in (BUILDING, PUBLISHING) and not is_live,
        previous=metadata.get(PREVIOUS),
        created_at=metadata.get("created_at"),
    )
