"""One migration: build beside, catch up, verify, evaluate, swap."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from ingest.assembly import to_fingerprints
from ingest.background import refresh_background
from ingest.dead_letters import DeadLetters
from ingest.encoder_choice import choose_encoder
from ingest.encoders.canary import canary_vectors
from ingest.encoders.recorded import load_recorded_encoder
from ingest.migrate.checks import check_failures, check_generation, check_items
from ingest.migrate.gate import Examiner, Verdict, compare
from ingest.migrate.passes import build
from ingest.migrate.questions import make_questions, read_pairs
from ingest.migrate.removed_roots import check_roots
from ingest.migrate.upkeep import (
    adopt_dead_letters,
    may_lend,
    note_making,
    prune_generations,
    to_target,
)
from ingest.recorded_policy import with_recorded_policy
from ingest.store.collections import read_collection, resolve_collection
from ingest.store.generations import PUBLISHING, STATE, ensure_building, publish
from ingest.store.model_folder import read_model_folder
from ingest.store.retrying import open_store_patiently
from ingest.store.same_policy import is_made_with
from ingest.sync.roots import read_roots, try_open_root
from ingest.sync.run_lock import only_run
from ingest.sync.session import SyncOptions, open_session, with_sound_ledger
from ingest.sync.state import to_dead_letters_path, to_state_dir
from schemas.errors import MigrationRefused, ModelUnavailable
from schemas.sync_report import SyncReport

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.sync.session import Session
    from schemas.report import RunReport
    from schemas.settings import Settings
    from schemas.space import Encoder


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """What a migration was asked for beyond the settings.

    Attributes:
        pairs: The user's pairs, see :func:`ingest.migrate.questions.read_pairs`; None for
            self-retrieval.
        evaluates: Whether to compare the two generations at all.
        force: Whether to publish a generation that finds less.
        allow_missing: Whether to publish one that lacks items, or a whole root.
        keep: Generations that are kept for a rollback.
        show_progress: Whether to draw a bar; by default only on a terminal.
    """

    pairs: Path | None = None
    evaluates: bool = True
    force: bool = False
    allow_missing: bool = False
    keep: int = 1
    show_progress: bool | None = None


class MigrateJob:
    """Builds a new generation with the settings' model and policies, and publishes it.

    Args:
        settings: Of the new generation; the live one is told by its own metadata.
        options: What is asked for beyond them.
        stopping: Set it from a signal handler; the build goes on with the next run.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        options: MigrationOptions | None = None,
        stopping: Event | None = None,
    ) -> None:
        """Keep the order; nothing is opened yet."""
        self._settings = settings
        self._options = options or MigrationOptions()
        self._stopping = stopping or Event()
        self._notes: list[str] = []

    def run(
        self,
        *,
        engine: Engine | None = None,
        encoder: Encoder | None = None,
        live_encoder: Encoder | None = None,
    ) -> SyncReport:
        """Migrate.

        Args:
            engine: An open store, left open; by default the settings' own, opened and closed.
            encoder: Of the new generation; by default the settings' model, or the live one's where
                the settings name none.
            live_encoder: Of the live generation; by default the one that it was built with.

        Returns:
            What was done; its notes say what was measured and swapped.

        Raises:
            CollectionMissing: There is nothing to migrate.
            MigrationRefused: The new generation is not as it should be; the live one stays, and the
                next run goes on with the build.
            LockHeld: Another run builds the same generation.
            StoreUnavailable: The server stayed away for longer than retries last.
        """
        started, begun = datetime.now(UTC), monotonic()
        with ExitStack() as stack:
            engine = engine or stack.enter_context(
                closing(open_store_patiently(self._settings, stopping=self._stopping))
            )
            live = resolve_collection(engine, self._settings.collection)
            self._settings = with_recorded_policy(live, self._settings)
            encoder = encoder or choose_encoder(live, self._settings)
            report = SyncReport(
                run_id=uuid4().hex,
                command="migrate",
                started_at=started.isoformat(timespec="seconds"),
                finished_at="",
                url=self._settings.url,
                collection=live.name,
                model_id=encoder.space.model_id,
                fingerprint=encoder.space.fingerprint,
            )
            target = to_target(self._settings, encoder)
            if live.space == encoder.space and self._is_alike(engine, encoder, live.name):
                self._finish(engine, live, target)
                self._notes.append(f"{live.name} is built like this already: nothing to do")
            else:
                building = self._ensure_building(engine, live, encoder, target)
                run = partial(self._migrate, engine, live, encoder, building, live_encoder, report)
                report = with_sound_ledger(run, self._settings, building.name)
        return replace(
            report,
            finished_at=_now(),
            seconds=round(monotonic() - begun, 3),
            notes=tuple(self._notes),
        )

    def _is_alike(self, engine: Engine, encoder: Encoder, generation: str) -> bool:
        """Whether a generation of the encoder's space has the points that this one is to have."""
        return is_made_with(engine, generation, to_fingerprints(self._settings, encoder.space))

    def _finish(self, engine: Engine, live: ConcreteCollection, target: str) -> None:
        """What a run that was cut short just after it had moved the alias has left to do."""
        if live.metadata.get(STATE) == PUBLISHING:
            publish(engine, self._settings.collection, live.name)
            adopt_dead_letters(self._settings, live.name)
        note_making(engine, live, self._settings, target, live)

    def _ensure_building(
        self, engine: Engine, live: ConcreteCollection, encoder: Encoder, target: str
    ) -> ConcreteCollection:
        canary = canary_vectors(encoder, encoder.space.modalities)
        is_alike = partial(self._is_alike, engine, encoder)
        name = self._settings.collection
        building = ensure_building(engine, name, encoder.space, canary, target, is_alike=is_alike)
        note_making(engine, building, self._settings, target, live)
        return read_collection(engine, building.name)

    def _migrate(
        self,
        engine: Engine,
        live: ConcreteCollection,
        encoder: Encoder,
        building: ConcreteCollection,
        live_encoder: Encoder | None,
        report: SyncReport,
    ) -> SyncReport:
        name = self._settings.collection
        given = self._options
        options = SyncOptions(
            show_progress=given.show_progress, allow_mass_delete=given.allow_missing
        )
        with open_session(
            engine,
            encoder,
            building,
            settings=self._settings,
            options=options,
            stopping=self._stopping,
        ) as session:
            session.live = live.name
            if may_lend(live, encoder):
                session.lender = live.name
            reports = build(session, live, allow_missing=self._options.allow_missing)
            report = replace(report, collection=building.name, roots=tuple(reports))
            if session.stopping.is_set():
                self._notes.append("interrupted: run the same command again to go on")
                return report
            refresh_background(engine, building.name)
            engine.flush()
            engine.optimize(building.name)
            self._check(session, reports, live)
            self._evaluate(session, live, live_encoder)
            points = engine.count(building.name).count
            report = replace(report, points=points, finished_at=_now())
            session.ledger.add_run(report.run_id, json.dumps(report.to_json()))
        # The ledger is sealed: from here on an ordinary run finds everything as it left it.
        with only_run(engine, building.name, self._settings, stopping=self._stopping) as check:
            check()
            check_roots(engine, live, building)
            publish(engine, name, building.name)
            adopt_dead_letters(self._settings, building.name)
        self._notes.append(f"published: {name!r} means {building.name} now, no more {live.name}")
        if (folder := read_model_folder(building)) is not None:
            self._notes.append(f"the model is taken from {folder}: leave it there, or set model")
        self._prune(engine)
        return report

    def _check(
        self, session: Session, reports: Iterable[RunReport], live: ConcreteCollection
    ) -> None:
        check_generation(session)
        state_dir = to_state_dir(self._settings)
        path = to_dead_letters_path(state_dir, self._settings) if state_dir else None
        before = DeadLetters.read(path)
        try:
            check_failures(reports, before.failures.values())
            failures = [one for report in reports for one in report.failures]
            check_items(session, live, failures)
        except MigrationRefused as refusal:
            if not self._options.allow_missing:
                raise
            self._notes.append(f"published all the same: {refusal} (live: {live.name})")

    def _evaluate(
        self, session: Session, live: ConcreteCollection, live_encoder: Encoder | None
    ) -> None:
        """Refuse a generation that finds less.

        Raises:
            MigrationRefused: It does, or the live one's model is not here to compare with.
        """
        if not self._options.evaluates:
            self._notes.append("the two generations were not compared (--no-evaluate)")
            return
        verdict = self._compare(session, live, live_encoder)
        self._notes.append(str(verdict))
        if not verdict.is_worse:
            return
        if not self._options.force:
            raise MigrationRefused(
                f"the new generation finds less: {verdict}. The live one stays; give your own "
                "--pairs, or publish the new one all the same with --force"
            )
        self._notes.append("published all the same (--force)")

    def _compare(
        self, session: Session, live: ConcreteCollection, live_encoder: Encoder | None
    ) -> Verdict:
        engine, settings, pairs = session.engine, self._settings, self._options.pairs
        names = live.name, session.collection.name
        questions = read_pairs(pairs) if pairs else make_questions(engine, names)
        roots = read_roots(live.metadata).values() or settings.roots
        sources = {one.name: one for root in roots if (one := try_open_root(root, settings))}
        try:
            known = live_encoder or load_recorded_encoder(
                live.space, settings, folder=read_model_folder(live), threads=1
            )
        except ModelUnavailable as error:
            raise MigrationRefused(
                f"the live generation's model cannot be loaded to compare with ({error}); publish "
                "without a comparison with --no-evaluate"
            ) from error
        old = Examiner(engine, live.name, known, sources=sources, settings=settings)
        new = Examiner(
            engine, session.collection.name, session.encoder, sources=sources, settings=settings
        )
        return compare(questions, old, new)

    def _prune(self, engine: Engine) -> None:
        removed = prune_generations(engine, self._settings, keep=self._options.keep)
        if removed:
            self._notes.append(f"removed: {', '.join(removed)}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
