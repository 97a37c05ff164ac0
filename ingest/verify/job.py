"""One audit of a collection, and its repair: what the command line runs, as a function."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from ingest.encoder_choice import choose_encoder
from ingest.ledger.rows import Settled
from ingest.logs import log_fields
from ingest.recorded_policy import with_recorded_policy
from ingest.store.collections import check_space, resolve_collection
from ingest.store.retrying import open_store_patiently
from ingest.store.writer import Writer
from ingest.sync.job import sync_roots
from ingest.sync.roots import choose_roots, to_unconfigured_notes
from ingest.sync.session import SyncOptions, open_session, with_sound_ledger
from ingest.verify.audit import audit_roots
from schemas.audit import AuditReport
from schemas.collection import root_filter
from schemas.errors import MassDeleteRefused
from schemas.sync_report import RootProblem, SyncReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.sync.session import Session
    from ingest.verify.audit import Audit
    from schemas.report import RunReport
    from schemas.settings import RootSettings, Settings
    from schemas.space import Encoder


class VerifyJob:
    """Compares a collection with its sources and its ledger, and mends what differs if asked to.

    Args:
        roots: What it is compared with; without any those of the settings, else those that the
            collection was filled from.
        settings: Index, collection, model, limits.
        options: ``checksum`` hashes every file; ``allow_mass_delete`` lets a repair remove any
            share of a root, and roots that nobody remembers.
        repairs: Whether to mend.
        stopping: Set it from a signal handler to end early but whole.
    """

    def __init__(
        self,
        roots: Sequence[RootSettings],
        settings: Settings,
        *,
        options: SyncOptions | None = None,
        repairs: bool = False,
        stopping: Event | None = None,
    ) -> None:
        """Keep the order; nothing is opened yet."""
        self._roots = roots
        self._settings = settings
        self._options = replace(options or SyncOptions(), reads_only=not repairs)
        self._repairs = repairs
        self._stopping = stopping or Event()

    def run(self, *, engine: Engine | None = None, encoder: Encoder | None = None) -> AuditReport:
        """Audit, and repair if asked to. Without a repair nothing is written to the collection.

        Args:
            engine: An open store, left open; by default the settings' own, opened and closed.
            encoder: By default the settings' model; it encodes only in a repair.

        Raises:
            LockHeld: A run is under way.
            CollectionMissing: There is nothing to audit.
            StoreUnavailable: The server stayed away for longer than retries last.
            SpaceMismatch: The collection belongs to another model.
            SettingsError: There is no root to compare with.
        """
        started, begun, run_id = datetime.now(UTC), monotonic(), uuid4().hex
        with ExitStack() as stack:
            stack.enter_context(log_fields(run_id=run_id, collection=self._settings.collection))
            engine = engine or stack.enter_context(
                closing(open_store_patiently(self._settings, stopping=self._stopping))
            )
            collection = resolve_collection(engine, self._settings.collection)
            self._settings = with_recorded_policy(collection, self._settings)
            encoder = encoder or choose_encoder(collection, self._settings)
            check_space(collection, encoder.space)
            run = partial(self._audit, engine, encoder, collection)
            report = with_sound_ledger(run, self._settings, collection.name)
        return replace(
            report,
            run_id=run_id,
            started_at=started.isoformat(timespec="seconds"),
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(monotonic() - begun, 3),
        )

    def _audit(
        self, engine: Engine, encoder: Encoder, collection: ConcreteCollection
    ) -> AuditReport:
        with open_session(
            engine,
            encoder,
            collection,
            settings=self._settings,
            options=self._options,
            stopping=self._stopping,
        ) as session:
            return self._run(session)

    def _run(self, session: Session) -> AuditReport:
        roots = choose_roots(self._roots, self._settings, session.collection.metadata)
        found = audit_roots(roots, session)
        if not self._repairs or not found.findings or self._stopping.is_set():
            return _to_report(session, found)
        repair = repair_roots(roots, session, found)
        again = audit_roots(roots, session)
        return replace(_to_report(session, again), repaired=tuple(found.findings), repair=repair)


def repair_roots(roots: Sequence[RootSettings], session: Session, found: Audit) -> SyncReport:
    """Remove what is of no use, and make everything else equal to the sources.

    Points of a wrong pipeline are replaced in their place. What a root lists no more is removed by
    the synchronisation, after it has lent its vectors to items of the same bytes.

    Args:
        roots: What is synchronised.
        session: Of the collection; may write.
        found: What the audit found.

    Raises:
        StoreUnavailable: The store went away for longer than retries last.
    """
    started, begun = datetime.now(UTC), monotonic()
    writer = Writer(session.engine, session.collection.name, before_write=session.guard)
    removed = writer.delete(found.removable)
    _distrust(session, found)
    reports, problems = sync_roots(roots, session)
    removed_roots, refused = _remove_forgotten(session, writer, found.forgotten)
    session.engine.flush()
    notes = (f"{removed + removed_roots:,} points that belong to nothing were removed",)
    report = _to_sync_report(
        session,
        started=started.isoformat(timespec="seconds"),
        seconds=monotonic() - begun,
        reports=reports,
        problems=[*problems, *refused],
        notes=notes if removed + removed_roots else (),
    )
    session.ledger.add_run(report.run_id, json.dumps(report.to_json()))
    return report


def _distrust(session: Session, found: Audit) -> None:
    """No root's rows are believed, nor the stamps of what was found."""
    session.agreed.clear()
    uris = dict.fromkeys(finding.source_uri for finding in found.findings)
    session.ledger.settle("", [Settled(uri, None, None, None) for uri in uris])


def _remove_forgotten(
    session: Session, writer: Writer, names: Sequence[str]
) -> tuple[int, list[RootProblem]]:
    """Remove roots that nobody remembers, if that is allowed: it is all of them that would go."""
    if names and not session.options.allow_mass_delete:
        refusal = MassDeleteRefused(
            "points of roots that the collection does not remember are left alone: synchronise "
            "these roots, or remove their points with --allow-mass-delete"
        )
        return 0, [RootProblem.from_error(name, refusal) for name in names]
    return sum(writer.delete(root_filter(name)) for name in names), []


def _to_sync_report(
    session: Session,
    *,
    started: str,
    seconds: float,
    reports: Sequence[RunReport],
    problems: Sequence[RootProblem],
    notes: tuple[str, ...],
) -> SyncReport:
    space = session.encoder.space
    return SyncReport(
        run_id=uuid4().hex,
        command="verify",
        started_at=started,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        url=session.settings.url,
        collection=session.collection.name,
        model_id=space.model_id,
        fingerprint=space.fingerprint,
        roots=tuple(reports),
        problems=tuple(problems),
        points=session.engine.count(session.collection.name).count,
        rebuilt=bool(session.rebuilt),
        seconds=round(seconds, 3),
        notes=notes,
    )


def _to_report(session: Session, found: Audit) -> AuditReport:
    return AuditReport(
        run_id="",
        started_at="",
        finished_at="",
        url=session.settings.url,
        collection=session.collection.name,
        model_id=session.encoder.space.model_id,
        roots=tuple(found.roots),
        items=found.items,
        points=found.points,
        findings=tuple(found.findings),
        interrupted=session.stopping.is_set(),
        notes=to_unconfigured_notes(
            found.indexed - set(found.forgotten), session.settings, session.collection.metadata
        ),
    )
