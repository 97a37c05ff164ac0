"""What a synchronisation would do, and why, without doing it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from ingest.assembly import to_fingerprints
from ingest.encoder_choice import choose_encoder
from ingest.recorded_policy import with_recorded_policy
from ingest.store.collections import check_space, find_live
from ingest.store.retrying import open_store_patiently
from ingest.sync.job import open_all
from ingest.sync.root_plan import RootMemory, RootPlan, read_memory, to_all_entries
from ingest.sync.roots import choose_roots
from ingest.sync.session import SyncOptions, open_session, with_sound_ledger
from schemas.errors import RunStopped, SettingsError, SourceUnavailable
from schemas.sync_plan import SyncPlan
from schemas.sync_report import RootProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.sources.source import Source
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.sync.session import Session
    from schemas.settings import RootSettings, Settings
    from schemas.space import Encoder
    from schemas.sync_plan import PlanEntry

    _Plans = tuple[list[PlanEntry], list[RootProblem]]


def make_plan(
    roots: Sequence[RootSettings],
    settings: Settings,
    *,
    options: SyncOptions | None = None,
    engine: Engine | None = None,
    encoder: Encoder | None = None,
    stopping: Event | None = None,
) -> SyncPlan:
    """Plan a synchronisation; encodes nothing and writes nothing to the index.

    Lists every root, and reads and hashes only items whose stamp is not the known one. A ledger
    that turns out to be damaged is set aside, and the payloads are read instead.

    Args:
        roots: As for :class:`~ingest.sync.job.SyncJob`.
        settings: Index, collection, model, limits.
        options: What the run would be asked for.
        engine: An open store, left open; by default the settings' own, opened and closed.
        encoder: By default the settings' model; only its space is looked at.
        stopping: Set it from a signal handler to end it early.

    Raises:
        LockHeld: A run is under way.
        StoreUnavailable: The server stayed away for longer than retries last.
        SpaceMismatch: The collection belongs to another model.
        SettingsError: There is no root to synchronise.
        RunStopped: ``stopping`` was set.
    """
    stopping = stopping or Event()
    begun = monotonic()
    options = replace(options or SyncOptions(), reads_only=True)
    with ExitStack() as stack:
        engine = engine or stack.enter_context(
            closing(open_store_patiently(settings, stopping=stopping))
        )
        live = find_live(engine, settings.collection)
        settings = with_recorded_policy(live, settings)
        encoder = encoder or choose_encoder(live, settings)
        planner = _Planner(roots, settings, options, encoder, stopping)
        if live is None:
            entries, problems = planner.plan(None)
        else:
            check_space(live, encoder.space)
            run = partial(planner.plan_live, engine, live)
            entries, problems = with_sound_ledger(run, settings, live.name)
    return SyncPlan(
        url=settings.url,
        collection=live.name if live else settings.collection,
        model_id=encoder.space.model_id,
        entries=tuple(entries),
        problems=tuple(problems),
        seconds=round(monotonic() - begun, 3),
    )


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans all roots, one after another as the run goes through them."""

    roots: Sequence[RootSettings]
    settings: Settings
    options: SyncOptions
    encoder: Encoder
    stopping: Event

    def plan_live(self, engine: Engine, live: ConcreteCollection) -> _Plans:
        """Against a collection that is there.

        Raises:
            LedgerDamaged: Nothing has been planned; it may be tried again without that ledger.
        """
        with open_session(
            engine,
            self.encoder,
            live,
            settings=self.settings,
            options=self.options,
            stopping=self.stopping,
        ) as session:
            return self.plan(session)

    def plan(self, session: Session | None) -> _Plans:
        """Entries and problems of all roots; without a session nothing is indexed yet.

        Raises:
            RunStopped: It is to stop.
        """
        metadata = session.collection.metadata if session else {}
        chosen = choose_roots(self.roots, self.settings, metadata)
        plans: dict[str, RootPlan] = {}
        opened, problems = open_all(chosen, self.settings)
        for _, source in opened:
            if self.stopping.is_set():
                raise RunStopped("told to stop before every root was gone through")
            try:
                plan = self._plan_root(source, session)
                plan.list_items()
            except (SourceUnavailable, SettingsError) as error:
                problems.append(RootProblem.from_error(source.name, error))
                continue
            plans[source.name] = plan
        entries = to_all_entries(list(plans.values()))
        for name, plan in plans.items():
            if plan.refusal is not None:
                problems.append(RootProblem.from_error(name, plan.refusal))
        return entries, problems

    def _plan_root(self, source: Source, session: Session | None) -> RootPlan:
        memory = read_memory(source, session) if session else RootMemory()
        fingerprints = to_fingerprints(self.settings, self.encoder.space)
        return RootPlan(source, memory, fingerprints, self.settings, self.options)
