"""Collections as Diptych makes and finds them: an alias, a generation, and who it belongs to.

A user's ``name`` is an alias from the first day. It points to a *generation*, a collection named
``name__g001`` whose metadata says which embedding space its vectors lie in. Callers resolve the
name once and then use the generation's own name: a later swap of the alias cannot put an old
model's vectors into a new model's collection.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from ingest.store.payload_indexes import ensure_payload_indexes
from schemas.collection import (
    SCHEMA_VERSION,
    from_generation,
    to_generation,
)
from schemas.errors import CollectionMissing, SettingsError, SpaceMismatch, StoreRejected
from schemas.space import EmbeddingSpace
from schemas.vectors import sparse_vector_params, vector_params
from schemas.words import WORDS, WORDS_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.store.engine import Engine

    Canary = Mapping[str, Sequence[Sequence[float]]]
    """Modality -> the vectors of a few fixed inputs (:mod:`ingest.encoders.canary`)."""

FIRST_GENERATION: Final = 1

LEASES: Final = "diptych__leases"
"""A collection beside the users': who writes to which generation (:mod:`ingest.store.lease`)."""


@dataclass(frozen=True, slots=True)
class ConcreteCollection:
    """A generation, by its own name.

    Attributes:
        name: The collection's own name, never an alias.
        space: Where its vectors lie.
        canary: What the encoder gave for a few fixed inputs when the collection was made.
        metadata: All of the collection's metadata.
    """

    name: str
    space: EmbeddingSpace
    canary: Canary
    metadata: Mapping[str, Any]


def resolve_collection(engine: Engine, name: str) -> ConcreteCollection:
    """The live generation behind a name.

    Args:
        engine: Where it is.
        name: An alias, or a generation's own name.

    Raises:
        CollectionMissing: There is none; the message names those that exist.
        StoreRejected: It is not a collection of Diptych's, or of a newer version's.
        StoreUnavailable: The store did not answer.
    """
    aliases = read_aliases(engine)
    concrete = aliases.get(name, name)
    names = read_names(engine)
    if concrete not in names:
        shown = ", ".join(sorted(aliases) or names) or "none"
        raise CollectionMissing(
            f"collection {name!r} not found (there: {shown}); check the name, or ingest into it "
            f"first: diptych ingest FOLDER --collection {name}"
        )
    return read_collection(engine, concrete)


def find_live(engine: Engine, name: str) -> ConcreteCollection | None:
    """The live generation behind a name, if there is one; loads no points."""
    try:
        return resolve_collection(engine, name)
    except CollectionMissing:
        return None


def ensure_collection(
    engine: Engine, name: str, space: EmbeddingSpace, canary: Canary
) -> ConcreteCollection:
    """The live generation behind a name, made if there is none.

    Made in this order: the collection with its metadata, its payload indexes, its alias. A call
    that was cut short is completed by the next one.

    Args:
        engine: Where to.
        name: The alias.
        space: Where the vectors will lie.
        canary: Kept in the metadata of a new collection; that of an existing one stays.

    Raises:
        SpaceMismatch: It exists and was built in another space.
        SettingsError: The name of a new collection ends like a generation's, or is reserved.
        StoreRejected: The store refuses, or the name is that of a collection which is not ours.
        StoreUnavailable: The store did not answer; call again.
    """
    if name == LEASES:
        raise SettingsError(f"collection {name!r}: Diptych keeps its own notes there; name another")
    if name in read_aliases(engine) or name in read_names(engine):
        found = resolve_collection(engine, name)
        check_space(found, space)
        return found
    if from_generation(name) is not None:
        raise SettingsError(
            f"collection {name!r} ends like another collection's generation; leave the ending out"
        )
    generation = _adopt_generation(engine, name, space)
    _ensure_generation(engine, generation, space, canary)
    made = read_collection(engine, generation)
    check_space(made, space)
    point_alias(engine, name, generation)
    return made


def check_space(collection: ConcreteCollection, space: EmbeddingSpace) -> None:
    """Refuse to mix the vectors of two models.

    Raises:
        SpaceMismatch: The collection was built in another space; says in what they differ.
    """
    if collection.space.fingerprint == space.fingerprint:
        return
    differing = [
        f"{field.name} {getattr(collection.space, field.name)!r} there, "
        f"{getattr(space, field.name)!r} here"
        for field in fields(EmbeddingSpace)
        if getattr(collection.space, field.name) != getattr(space, field.name)
    ]
    raise SpaceMismatch(
        f"collection {collection.name!r} was built with {collection.space.model_id}, this is "
        f"{space.model_id} ({'; '.join(differing)}): their vectors cannot be compared; bring the "
        f"collection to this one with `diptych migrate --model`, use the model it was built with, "
        f"or name another --collection for this one"
    )


def read_collection(engine: Engine, concrete: str) -> ConcreteCollection:
    """A collection by its own name.

    Raises:
        StoreRejected: It is not Diptych's, or of a newer version's.
    """
    metadata = engine.read_metadata(concrete)
    version = metadata.get("schema_version")
    if version != SCHEMA_VERSION:
        raise StoreRejected(
            f"collection {concrete!r} has the payload layout {version}, this version of Diptych "
            f"reads {SCHEMA_VERSION}"
            + ("; it was not made by Diptych: name another" if version is None else "")
        )
    try:
        space = EmbeddingSpace.from_json(metadata["space"])
        return ConcreteCollection(concrete, space, metadata["canary"], metadata)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreRejected(
            f"collection {concrete!r}: its metadata is damaged ({error!r}); ingest into a new one"
        ) from error


def _adopt_generation(engine: Engine, name: str, space: EmbeddingSpace) -> str:
    """The generation that a name without an alias is to mean.

    It is the newest one that has lost its alias or never got it. One that is empty and of another
    space is what an attempt with another model left; it goes. What a migration was still building
    is taken only where there is nothing else and it is of the same space; without any, a new one.

    Raises:
        SpaceMismatch: The newest holds points of another space.
    """
    found = _read_generations(engine, name)
    whole = [number for number, one in found.items() if one.metadata.get("state") != "building"]
    if whole:
        newest = found[max(whole)]
        if newest.space.fingerprint != space.fingerprint and engine.count(newest.name).count == 0:
            engine.delete_collection(newest.name)
        else:
            check_space(newest, space)
        return newest.name
    same = [number for number, one in found.items() if one.space.fingerprint == space.fingerprint]
    if not same:
        return to_generation(name, max(found, default=FIRST_GENERATION - 1) + 1)
    adopted = found[max(same)].name
    engine.update_collection(adopted, metadata={"state": None})
    return adopted


def _read_generations(engine: Engine, name: str) -> dict[int, ConcreteCollection]:
    """Number -> every generation of a name.

    Raises:
        StoreRejected: One of them is damaged or not ours.
    """
    parsed = [from_generation(collection) for collection in read_names(engine)]
    numbers = [one[1] for one in parsed if one is not None and one[0] == name]
    return {
        number: read_collection(engine, to_generation(name, number)) for number in sorted(numbers)
    }


def _ensure_generation(
    engine: Engine, generation: str, space: EmbeddingSpace, canary: Canary
) -> None:
    """The collection and its payload indexes, which come before the first point."""
    if engine.collection_exists(generation):
        ensure_payload_indexes(engine, generation)
    else:
        create_collection(engine, generation, space, canary)


def create_collection(
    engine: Engine,
    generation: str,
    space: EmbeddingSpace,
    canary: Canary,
    *,
    more: Mapping[str, Any] | None = None,
) -> None:
    """A generation without points, and its payload indexes.

    Args:
        engine: Where to.
        generation: Its own name.
        space: Where its vectors will lie.
        canary: Kept in its metadata.
        more: Further fields of the metadata.
    """
    metadata = {
        **(more or {}),
        "index_uuid": str(uuid4()),
        "schema_version": SCHEMA_VERSION,
        "space": space.to_json(),
        "fingerprint": space.fingerprint,
        "canary": {modality: [list(row) for row in rows] for modality, rows in canary.items()},
        WORDS: WORDS_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        engine.create_collection(
            generation,
            vector_params(space),
            sparse_vectors_config=sparse_vector_params(),
            metadata=metadata,
        )
    except StoreRejected:
        # On a server another run may have been faster, or an answer may have got lost.
        if not engine.collection_exists(generation):
            raise
    ensure_payload_indexes(engine, generation)


def point_alias(engine: Engine, name: str, generation: str) -> None:
    """Make a name mean a generation; one that means another generation is moved at once."""
    from qdrant_client import models

    create = models.CreateAlias(collection_name=generation, alias_name=name)
    engine.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])


def read_aliases(engine: Engine) -> dict[str, str]:
    """Every alias with its collection."""
    return {alias.alias_name: alias.collection_name for alias in engine.get_aliases().aliases}


def read_names(engine: Engine) -> list[str]:
    """Every collection's own name, sorted; the one of the leases is not among them."""
    names = (collection.name for collection in engine.get_collections().collections)
    return sorted(name for name in names if name != LEASES)
