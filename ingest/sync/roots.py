"""Which roots a collection is kept equal to: named now, in the settings, or in an earlier run."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ingest.sources.open import SourceOptions, open_source
from ingest.sources.own_index import without_index
from schemas.errors import SettingsError, SourceUnavailable
from schemas.settings import RootSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any

    from qdrant_client import models

    from ingest.sources.source import Source
    from ingest.store.engine import Engine
    from schemas.settings import Settings

ROOTS = "roots"
"""Key in a collection's metadata: root's name -> its :class:`RootSettings` as JSON."""

PAGE_POINTS = 1_000
"""Points whose root is read in one request."""


def open_root(root: RootSettings, settings: Settings) -> Source:
    """The source of a root, without the index itself where that lies inside.

    Raises:
        SettingsError: There is no such source, or it cannot be listed as asked for.
    """
    listing = root.model_dump(exclude={"source"})
    options = SourceOptions(
        **{**listing, "columns": root.columns or settings.columns},
        storage_options=settings.storage_options,
        max_source_bytes=settings.max_source_bytes,
    )
    return without_index(open_source(root.source, options), settings.url)


def choose_roots(
    given: Sequence[RootSettings], settings: Settings, metadata: Mapping[str, Any]
) -> list[RootSettings]:
    """The roots that are meant: those given, else those in the settings, else those remembered.

    Raises:
        SettingsError: There are none.
    """
    remembered = read_roots(metadata)
    chosen = list(given) or list(settings.roots) or list(remembered.values())
    if not chosen:
        raise SettingsError(
            "there is nothing to synchronise: name a folder, or list [[roots]] in diptych.toml"
        )
    return chosen


def read_roots(metadata: Mapping[str, Any]) -> dict[str, RootSettings]:
    """The roots that a collection was filled from, by name.

    Args:
        metadata: Of the collection.
    """
    return {
        name: RootSettings.model_validate(root)
        for name, root in (metadata.get(ROOTS) or {}).items()
    }


def to_remembered(root: RootSettings, source: Source) -> dict[str, Any]:
    """A root as it is kept in a collection's metadata: under its own name, its path absolute."""
    kept = root.model_copy(update={"source": _to_place(root), "name": source.name})
    return kept.model_dump(mode="json", exclude_defaults=True)


def remember_roots(
    engine: Engine, collection_name: str, roots: Sequence[tuple[RootSettings, Source]]
) -> None:
    """Keep roots in a collection's metadata; nothing is written when they are known.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    before = engine.read_metadata(collection_name).get(ROOTS) or {}
    after = {**before, **{source.name: to_remembered(root, source) for root, source in roots}}
    if after != before:
        engine.update_collection(collection_name, metadata={ROOTS: after})


def forget_remembered(engine: Engine, collection_name: str, names: Collection[str]) -> None:
    """Take roots out of a collection's metadata.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    before = engine.read_metadata(collection_name).get(ROOTS) or {}
    after = {name: root for name, root in before.items() if name not in names}
    if after != before:
        engine.update_collection(collection_name, metadata={ROOTS: after})


def find_root_names(engine: Engine, collection_name: str) -> set[str]:
    """The roots that points of a collection have; every point is looked at.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    names: set[str] = set()
    offset: models.ExtendedPointId | None = None
    while True:
        points, offset = engine.scroll(
            collection_name, limit=PAGE_POINTS, offset=offset, with_payload=["root"]
        )
        found = [(point.payload or {}).get("root") for point in points]
        names.update(name for name in found if isinstance(name, str))
        if offset is None:
            return names


def to_unconfigured_notes(
    indexed: Iterable[str], settings: Settings, metadata: Mapping[str, Any]
) -> tuple[str, ...]:
    """A sentence for each root that is indexed and that ``[[roots]]`` does not list.

    None where the settings list no roots: then those that are remembered are meant.

    Args:
        indexed: Names of the roots that the collection has points of.
        settings: List the roots.
        metadata: Of the collection.
    """
    if not settings.roots:
        return ()
    places = {_to_place(root) for root in settings.roots}
    names = {to_likely_name(root) for root in settings.roots}
    names |= {name for name, root in read_roots(metadata).items() if _to_place(root) in places}
    return tuple(
        f"the root {name!r} is indexed and not among [[roots]]: nothing keeps it equal to its "
        f"source; diptych forget {shlex.quote(name)} removes it"
        for name in sorted(set(indexed) - names)
    )


def try_open_root(root: RootSettings, settings: Settings) -> Source | None:
    """The source of a root; None where it is not there, or cannot be listed as asked for."""
    try:
        return open_root(root, settings)
    except (SettingsError, SourceUnavailable):
        return None


def to_likely_name(root: RootSettings) -> str:
    """The name of a root, or the one that it will most likely have: its source is not opened."""
    return root.name or root.source.rstrip("/").rpartition("/")[2]


def _to_place(root: RootSettings) -> str:
    return root.source if "://" in root.source else os.path.abspath(root.source)  # noqa: PTH100
