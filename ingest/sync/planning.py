"""What a synchronisation would do, and why, without doing it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from ingest.assembly import to_fingerprints
from ingest.job import choose_encoder
from ingest.recorded_policy import with_recorded_policy
from ingest.store.collections import check_space, find_live
from ingest.store.retrying import open_store_patiently
from ingest.sync.root_plan import RootMemory, RootPlan, read_memory, to_all_entries
from ingest.sync.roots import choose_roots, open_root
from ingest.sync.session import SyncOptions, open_session
from schemas.errors import SettingsError, SourceUnavailable
from schemas.sync_plan import SyncPlan
from schemas.sync_report import RootProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.store.engine import Engine
    from ingest.sync.session import Session
    from schemas.settings import RootSettings, Settings
    from schemas.space import Encoder


def make_plan(
    roots: Sequence[RootSettings],
    settings: Settings,
    *,
    options: SyncOptions | None = None,
    engine: Engine | None = None,
    encoder: Encoder | None = None,
) -> SyncPlan:
    """Plan a synchronisation; encodes nothing and writes nothing to the index.

    Lists every root, and reads and hashes only items whose stamp is not the known one.

    Args:
        roots: As for :class:`~ingest.sync.job.SyncJob`.
        settings: Index, collection, model, limits.
        options: What the run would be asked for.
        engine: An open store, left open; by default the settings' own, opened and closed.
        encoder: By default the settings' model; only its space is looked at.

    Raises:
        LockHeld: A run is under way.
        StoreUnavailable: The server stayed away for longer than retries last.
        SpaceMismatch: The collection belongs to another model.
        SettingsError: There is no root to synchronise.
    """
    begun = monotonic()
    options = replace(options or SyncOptions(), reads_only=True)
    with ExitStack() as stack:
        engine = engine or stack.enter_context(closing(open_store_patiently(settings)))
        live = find_live(engine, settings.collection)
        settings = with_recorded_policy(live, settings)
        encoder = encoder or choose_encoder(live, settings)
        session = None
        if live is not None:
            check_space(live, encoder.space)
            opened = open_session(
                engine, encoder, live, settings=settings, options=options, stopping=Event()
            )
            session = stack.enter_context(opened)
        metadata = session.collection.metadata if session else {}
        plans: dict[str, RootPlan] = {}
        problems: list[RootProblem] = []
        for root in choose_roots(roots, settings, metadata):
            name = root.name or root.source
            try:
                plan = _to_plan(root, settings, options, encoder, session)
                plan.list_items()
            except (SourceUnavailable, SettingsError) as error:
                problems.append(RootProblem.from_error(name, error))
                continue
            plans[name] = plan
        entries = to_all_entries(list(plans.values()))
        for name, plan in plans.items():
            if plan.refusal is not None:
                problems.append(RootProblem.from_error(name, plan.refusal))
    return SyncPlan(
        url=settings.url,
        collection=session.collection.name if session else settings.collection,
        model_id=encoder.space.model_id,
        entries=tuple(entries),
        problems=tuple(problems),
        seconds=round(monotonic() - begun, 3),
    )


def _to_plan(
    root: RootSettings,
    settings: Settings,
    options: SyncOptions,
    encoder: Encoder,
    session: Session | None,
) -> RootPlan:
    source = open_root(root, settings)
    memory = read_memory(source, session) if session else RootMemory()
    fingerprints = to_fingerprints(settings, encoder.space)
    return RootPlan(source, memory, fingerprints, settings, options)
