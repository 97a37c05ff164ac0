"""Reads what is known of a collection; makes and changes nothing."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from ingest.dead_letters import DeadLetters
from ingest.ledger.database import LedgerDamaged
from ingest.ledger.ledger import Ledger
from ingest.sources.uris import to_root
from ingest.store.collections import resolve_collection
from ingest.store.connect import to_index_path
from ingest.store.generations import list_generations
from ingest.store.retrying import open_store_patiently
from ingest.store.write_guard import SYNC_TOKEN
from ingest.sync.roots import find_root_names, read_roots, to_unconfigured_notes
from ingest.sync.state import to_dead_letters_path, to_ledger_path, to_state_dir
from schemas.collection import root_modality_filter
from schemas.records import Modality
from schemas.status import GenerationStatus, LedgerState, RootStatus, StatusReport

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.store.generations import Generation
    from schemas.report import Failure
    from schemas.settings import Settings

BYTES_PER_BLOCK = 512
"""POSIX leaves the unit of ``st_blocks`` open; every system in use has this one."""


def read_status(settings: Settings, *, engine: Engine | None = None) -> StatusReport:
    """A collection as it stands.

    Args:
        settings: Index and collection.
        engine: An open store, left open; by default the settings' own, opened and closed.

    Raises:
        CollectionMissing: There is none of that name.
        LockHeld: Another process has the embedded index open.
        StoreUnavailable: The server stayed away for longer than retries last.
        StoreError: The ledger or the dead letters cannot be read.
    """
    with ExitStack() as stack:
        engine = engine or stack.enter_context(closing(open_store_patiently(settings)))
        collection = resolve_collection(engine, settings.collection)
        path = _to_ledger_path(settings, collection)
        ledger, state = _open_ledger(path)
        if ledger is not None:
            stack.enter_context(closing(ledger))
            state = _judge(ledger, collection)
        failures = _read_failures(ledger, settings)
        roots = tuple(_read_roots(engine, collection, ledger, failures))
        indexed = [one.root for one in roots if one.images or one.texts]
        return StatusReport(
            url=settings.url,
            collection=collection.name,
            model_id=collection.space.model_id,
            fingerprint=collection.space.fingerprint,
            points=engine.count(collection.name).count,
            roots=roots,
            failures=dict(Counter(failure.kind for failure in failures).most_common()),
            generations=_read_generations(engine, settings),
            last_run=_read_last_run(ledger),
            ledger=state,
            ledger_path=None if path is None else str(path),
            ledger_bytes=0 if path is None else _measure_ledger(path),
            index_bytes=_measure_index(settings),
            notes=to_unconfigured_notes(indexed, settings, collection.metadata),
        )


def _to_ledger_path(settings: Settings, collection: ConcreteCollection) -> Path | None:
    state_dir = to_state_dir(settings)
    return None if state_dir is None else to_ledger_path(state_dir, collection.name)


def _open_ledger(path: Path | None) -> tuple[Ledger | None, LedgerState]:
    if path is None or not path.exists():
        return None, LedgerState.MISSING
    try:
        return Ledger(path, reads_only=True), LedgerState.AGREES
    except LedgerDamaged:
        return None, LedgerState.DAMAGED


def _judge(ledger: Ledger, collection: ConcreteCollection) -> LedgerState:
    """Whether the ledger was sealed with the token that the collection has, on every root."""
    token = collection.metadata.get(SYNC_TOKEN)
    states = ledger.read_roots()
    remembered = read_roots(collection.metadata)
    agreed = {name for name, state in states.items() if token and state.token == token}
    is_whole = token is not None and agreed >= remembered.keys() and agreed >= states.keys()
    return LedgerState.AGREES if is_whole else LedgerState.OUT_OF_STEP


def _read_failures(ledger: Ledger | None, settings: Settings) -> list[Failure]:
    if ledger is not None:
        return [failure for _, failure in ledger.read_failed("").values()]
    state_dir = to_state_dir(settings)
    path = to_dead_letters_path(state_dir, settings) if state_dir else None
    return list(DeadLetters.read(path).failures.values())


def _read_roots(
    engine: Engine,
    collection: ConcreteCollection,
    ledger: Ledger | None,
    failures: Iterable[Failure],
) -> list[RootStatus]:
    remembered = read_roots(collection.metadata)
    failed = Counter(to_root(failure.source_uri) for failure in failures)
    states = ledger.read_roots() if ledger else {}
    counts = _count_roots(engine, collection.name, remembered.keys() | states.keys())
    return [
        RootStatus(
            root=name,
            source=remembered[name].source if name in remembered else None,
            images=images,
            texts=texts,
            items=ledger.count_items(name) if ledger else None,
            failed=failed[name],
            finished_at=states[name].finished_at if name in states else None,
        )
        for name, (images, texts) in sorted(counts.items())
    ]


def _count_roots(
    engine: Engine, collection_name: str, names: Iterable[str]
) -> dict[str, tuple[int, int]]:
    """Image and text points by root; others are looked for only where points are left over."""
    counts = {name: _count(engine, collection_name, name) for name in names}
    if sum(map(sum, counts.values())) != engine.count(collection_name).count:
        others = find_root_names(engine, collection_name) - counts.keys()
        counts |= {name: _count(engine, collection_name, name) for name in others}
    return counts


def _count(engine: Engine, collection_name: str, root: str) -> tuple[int, int]:
    images, texts = (
        engine.count(collection_name, root_modality_filter(root, modality)).count
        for modality in (Modality.IMAGE, Modality.TEXT)
    )
    return images, texts


def _read_generations(engine: Engine, settings: Settings) -> tuple[GenerationStatus, ...]:
    return tuple(
        GenerationStatus(
            name=one.name,
            model_id=one.model_id,
            state=_to_state(one),
            points=one.points or 0,
            created_at=one.created_at,
        )
        for one in list_generations(engine, settings.collection, counts=True)
    )


def _to_state(generation: Generation) -> str:
    if generation.is_live:
        return "live"
    return "building" if generation.is_building else "kept"


def _read_last_run(ledger: Ledger | None) -> dict[str, Any] | None:
    runs = ledger.read_runs(1) if ledger else []
    report: dict[str, Any] | None = json.loads(runs[0]) if runs else None
    return report


def _measure_ledger(path: Path) -> int:
    return sum(_measure(f"{path}{suffix}") for suffix in ("", "-wal", "-shm"))


def _measure_index(settings: Settings) -> int | None:
    folder = to_index_path(settings.url)
    if folder is None:
        return None
    return sum(
        _measure(os.path.join(place, name))  # noqa: PTH118 - as os.walk has it
        for place, _, names in os.walk(folder)
        for name in names
    )


def _measure(path: str) -> int:
    """The bytes that a file takes up on the disk, not counting holes; 0 where it is gone."""
    try:
        status = os.lstat(path)
    except OSError:
        return 0
    blocks: int | None = getattr(status, "st_blocks", None)  # which Windows does not have
    return status.st_size if blocks is None else blocks * BYTES_PER_BLOCK
