"""Generations of a collection: built beside the live one, published, rolled back, removed.

Every step may be repeated after it was cut short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingest.store.collections import (
    create_collection,
    point_alias,
    read_aliases,
    read_collection,
    read_names,
)
from schemas.collection import from_generation, to_generation
from schemas.errors import MigrationRefused, StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.store.collections import Canary, ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.space import EmbeddingSpace

STATE: Final = "state"
"""Metadata key: :data:`BUILDING` until a generation is published; missing or None from then on."""

BUILDING: Final = "building"
TARGET: Final = "target"
"""Metadata key: digest of what a generation is built for; an interrupted build is known by it."""

PREVIOUS: Final = "previous"
"""Metadata key of a published generation: which one it took the place of."""


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
    """

    name: str
    number: int
    model_id: str
    is_live: bool
    is_building: bool
    previous: str | None
    created_at: str | None


def list_generations(engine: Engine, name: str) -> list[Generation]:
    """All generations of a collection, oldest first; collections that are not ours are left out.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    live = read_aliases(engine).get(name)
    found = []
    for number in _read_numbers(engine, name):
        try:
            collection = read_collection(engine, to_generation(name, number))
        except StoreRejected:
            continue
        found.append(_to_generation(collection, number, is_live=collection.name == live))
    return found


def ensure_building(
    engine: Engine, name: str, space: EmbeddingSpace, canary: Canary, target: str
) -> ConcreteCollection:
    """A generation to build in: the one that an interrupted build for the same target left, or new.

    Args:
        engine: Where to.
        name: The alias.
        space: Where its vectors will lie.
        canary: Kept in the metadata of a new one.
        target: Digest of everything that decides its points.

    Raises:
        StoreUnavailable: The store did not answer; call again.
    """
    for generation in reversed(list_generations(engine, name)):
        if generation.is_building and not generation.is_live:
            found = read_collection(engine, generation.name)
            if found.metadata.get(TARGET) == target and found.space == space:
                return found
    number = max(_read_numbers(engine, name), default=0) + 1
    concrete = to_generation(name, number)
    marks = {STATE: BUILDING, TARGET: target}
    create_collection(engine, concrete, space, canary, more=marks)
    return read_collection(engine, concrete)


def publish(engine: Engine, name: str, generation: str) -> str | None:
    """Point the alias to a generation, by one lone ``CreateAlias``.

    (A delete and a create are saved one after the other: between them the alias can get lost.)

    Returns:
        The generation that was live before.
    """
    before = read_aliases(engine).get(name)
    marks: dict[str, Any] = {STATE: None}
    if before not in (None, generation):
        marks[PREVIOUS] = before
    engine.update_collection(generation, metadata=marks)
    point_alias(engine, name, generation)
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
    point_alias(engine, name, previous)
    return previous, live


def prune(engine: Engine, name: str, *, keep: int = 1, abandon: bool = False) -> list[str]:
    """Remove generations that are not needed any more; never the live one.

    Args:
        engine: Where they are.
        name: The alias.
        keep: How many of the others to keep for a rollback, first the one that the live one took
            the place of, then the newest.
        abandon: Whether to remove those that are being built, too.

    Returns:
        The names of those that were removed.
    """
    generations = list_generations(engine, name)
    previous = next((one.previous for one in generations if one.is_live), None)
    building = [one.name for one in generations if one.is_building and not one.is_live]
    former = [one for one in generations if not one.is_live and not one.is_building]
    former.sort(key=lambda one: (one.name == previous, one.number), reverse=True)
    removed = [one.name for one in former[keep:]] + (building if abandon else [])
    for concrete in removed:
        engine.delete_collection(concrete)
    return removed


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
        is_building=metadata.get(STATE) == BUILDING,
        previous=metadata.get(PREVIOUS),
        created_at=metadata.get("created_at"),
    )
