"""One synchronisation of a collection with its roots: what the command line runs, as a function."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from ingest.background import refresh_background
from ingest.encoder_choice import choose_encoder
from ingest.job import ensure_live
from ingest.logs import log_fields
from ingest.recorded_policy import with_recorded_policy
from ingest.store.collections import find_live
from ingest.store.model_folder import remember_model_folder
from ingest.store.retrying import CONNECTING_SECONDS, open_store_patiently
from ingest.sync.root_sync import RootSync, sweep_all
from ingest.sync.roots import choose_roots, open_root, remember_roots
from ingest.sync.session import SyncOptions, open_session, with_sound_ledger
from schemas.errors import SettingsError, SourceUnavailable
from schemas.sync_report import RootProblem, SyncReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.sources.source import Source
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.sync.session import Session
    from schemas.errors import DiptychError
    from schemas.report import RunReport
    from schemas.settings import RootSettings, Settings
    from schemas.space import Encoder


class SyncJob:
    """Makes a collection equal to its roots; running it again changes nothing.

    Args:
        roots: What is synchronised; without any those of the settings, else those that the
            collection was filled from before.
        settings: Index, collection, model, limits.
        options: What is asked for beyond them.
        stopping: Set it from a signal handler to end the run early but whole.
    """

    def __init__(
        self,
        roots: Sequence[RootSettings],
        settings: Settings,
        *,
        options: SyncOptions | None = None,
        stopping: Event | None = None,
    ) -> None:
        """Keep the order; nothing is opened yet."""
        self._roots = roots
        self._settings = settings
        self._options = options or SyncOptions()
        self._stopping = stopping or Event()

    def run(self, *, engine: Engine | None = None, encoder: Encoder | None = None) -> SyncReport:
        """Synchronise.

        Args:
            engine: An open store, left open; by default the settings' own, opened and closed.
            encoder: By default the settings' model.

        Returns:
            What was done. Roots that could not be gone through are among its ``problems``.

        Raises:
            LockHeld: Another run is under way.
            StoreUnavailable: The server stayed away for longer than retries last.
            SpaceMismatch: The collection belongs to another model.
            ModelUnavailable: The model cannot be loaded.
            SettingsError: There is no root to synchronise.
            RunStopped: ``stopping`` was set while waiting for the server or another run.
        """
        with ExitStack() as stack:
            engine = engine or stack.enter_context(closing(self._open_store()))
            live = find_live(engine, self._settings.collection)
            self._settings = with_recorded_policy(live, self._settings)
            encoder = encoder or choose_encoder(live, self._settings)
            collection = ensure_live(engine, self._settings.collection, encoder, live)
            remember_model_folder(engine, collection, self._settings)
            run = partial(self._run, engine, encoder, collection)
            return with_sound_ledger(run, self._settings, collection.name)

    def _open_store(self) -> Engine:
        return open_store_patiently(
            self._settings, connecting_seconds=CONNECTING_SECONDS, stopping=self._stopping
        )

    def _run(self, engine: Engine, encoder: Encoder, collection: ConcreteCollection) -> SyncReport:
        started, begun, run_id = datetime.now(UTC), monotonic(), uuid4().hex
        with (
            log_fields(run_id=run_id, collection=self._settings.collection),
            open_session(
                engine,
                encoder,
                collection,
                settings=self._settings,
                options=self._options,
                stopping=self._stopping,
            ) as session,
        ):
            roots = choose_roots(self._roots, self._settings, session.collection.metadata)
            reports, problems = sync_roots(roots, session)
            points = _finish(session)
            report = SyncReport(
                run_id=run_id,
                command="sync",
                started_at=started.isoformat(timespec="seconds"),
                finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
                url=self._settings.url,
                collection=collection.name,
                model_id=encoder.space.model_id,
                fingerprint=encoder.space.fingerprint,
                roots=tuple(reports),
                problems=tuple(problems),
                points=points,
                rebuilt=bool(session.rebuilt),
                seconds=round(monotonic() - begun, 3),
            )
            session.ledger.add_run(report.run_id, json.dumps(report.to_json()))
        return report


def sync_roots(
    roots: Sequence[RootSettings], session: Session
) -> tuple[list[RunReport], list[RootProblem]]:
    """Index all roots, then sweep them; one that cannot be gone through holds up no other.

    What moved from one root to another has lent its vectors before it is removed. When the run is
    stopped before all are indexed, nothing is removed.

    Raises:
        StoreUnavailable: The store went away for longer than retries last.
    """
    opened, problems = open_all(roots, session.settings)
    begun: list[tuple[str, RootSync]] = []
    for root, source in opened:
        if session.stopping.is_set():
            break
        accept = partial(remember_roots, session.engine, session.collection.name, [(root, source)])
        begun.append((source.name, RootSync(source, session, on_accepted=accept)))
        begun[-1][1].index()
    if not session.stopping.is_set():
        sweep_all([sync for _, sync in begun if sync.is_indexed])
    reports = []
    for name, sync in begun:
        outcome = sync.to_outcome()
        reports += [outcome.report] if outcome.report else []
        problems += [RootProblem.from_error(name, error) for error in outcome.problems]
    return reports, problems


def open_all(
    roots: Sequence[RootSettings], settings: Settings
) -> tuple[list[tuple[RootSettings, Source]], list[RootProblem]]:
    """The sources of all roots that are there, no two of one name; and what is wrong with others.

    Args:
        roots: In their order; of two of one name the first is opened.
        settings: Limits.
    """
    opened: list[tuple[RootSettings, Source]] = []
    problems = []
    for root in roots:
        try:
            source = open_root(root, settings)
        except (SourceUnavailable, SettingsError) as error:
            problems.append(_to_unopened(root, error))
            continue
        if any(one.name == source.name for _, one in opened):
            clash = SettingsError(f"two roots are called {source.name!r}: give one another name")
            problems.append(RootProblem.from_error(source.name, clash))
            continue
        opened.append((root, source))
    return opened, problems


def _finish(session: Session) -> int | None:
    """Build the index if anything was written; gives how many points there are."""
    name, engine = session.collection.name, session.engine
    if session.is_embedded and not session.guard.has_written:
        return None  # counting would load all of it
    if session.guard.has_written:
        refresh_background(engine, name)
    engine.flush()
    if session.guard.has_written and not session.stopping.is_set():
        engine.optimize(name)
    return engine.count(name).count


def _to_unopened(root: RootSettings, error: DiptychError) -> RootProblem:
    """A folder that is not there may be an unmounted one, which is an outage and passes."""
    name = root.name or root.source
    if "://" in root.source or os.path.exists(root.source):  # noqa: PTH110 - never raises
        return RootProblem.from_error(name, error)
    return RootProblem.from_error(name, SourceUnavailable(f"{error}; is a disk not mounted?"))
