"""One ingestion run from a source to a collection: what the command line runs, as a function."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict
from functools import partial
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING

from ingest.assembly import AssemblyLine, to_workers
from ingest.background import refresh_background
from ingest.callbacks import Callbacks
from ingest.dead_letters import DEAD_LETTERS, DeadLetters, write_dead_letters
from ingest.encoder_choice import choose_encoder
from ingest.encoders.canary import canary_vectors
from ingest.encoders.lazy import confirm_space
from ingest.int8_gate import INT8, require_int8
from ingest.outcome import Tally
from ingest.plan import read_known
from ingest.progress import Progress
from ingest.recorded_policy import with_recorded_policy
from ingest.refresh import Refresh
from ingest.sources.own_index import without_index
from ingest.stopwatch import Stopwatch
from ingest.store.collections import (
    check_space,
    ensure_collection,
    find_live,
)
from ingest.store.connect import to_index_path
from ingest.store.model_folder import remember_model_folder
from ingest.store.payload_indexes import ensure_payload_indexes
from ingest.store.retrying import open_store_patiently
from ingest.store.write_guard import WriteGuard
from ingest.store.writer import Writer
from ingest.sync.roots import read_roots, remember_roots
from ingest.sync.run_lock import only_run
from schemas.errors import StoreError
from schemas.report import RunReport

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.outcome import Outcome
    from ingest.pipeline import Workers
    from ingest.sources.source import Source
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.tune import Tuning
    from schemas.settings import RootSettings, Settings
    from schemas.space import Encoder


class IngestJob:
    """Brings one source into one collection; running it again encodes only what changed.

    Args:
        source: What is ingested.
        settings: Index, collection, model, limits.
        dead_letters: Where failures are listed; without it inside an embedded index, and nowhere
            for a server.
        show_progress: Whether to draw a progress bar; by default only on a terminal.
        stopping: Set it from a signal handler to end the run early but whole.
        retry_failed: Whether to try again what failed before and has not changed since.
        root: How the source was asked for, to be remembered in the collection.
    """

    def __init__(
        self,
        source: Source,
        settings: Settings,
        *,
        dead_letters: Path | None = None,
        show_progress: bool | None = None,
        stopping: Event | None = None,
        retry_failed: bool = False,
        root: RootSettings | None = None,
    ) -> None:
        """Keep the order; nothing is opened yet."""
        self._source = without_index(source, settings.url)
        self._retry_failed = retry_failed
        self._root = root
        self._encoder: Encoder | None = None
        self._workers: Workers | None = None
        self._settings = settings
        self._dead_letters = dead_letters or _default_dead_letters(settings.url)
        self._show_progress = show_progress
        self._stopping = stopping or Event()
        self._begin()

    def run(self, *, engine: Engine | None = None, encoder: Encoder | None = None) -> RunReport:
        """Ingest.

        Args:
            engine: An open store, left open; by default the settings' own, opened and closed.
            encoder: By default the settings' model.

        Returns:
            What the run did; its failures are also in the dead-letter file.

        Raises:
            LockHeld: Another process holds the embedded index, or another run writes to the same
                collection.
            StoreUnavailable: The server stayed away for longer than retries last.
            SourceUnavailable: What the source lies on did.
            SpaceMismatch: The collection belongs to another model.
            ModelUnavailable: The model cannot be loaded.
            EncoderError: int8 was asked for, and is too far off on the user's own items.
            SettingsError: The root's name stands for another place that is still there.
        """
        start = perf_counter()
        self._begin()
        with ExitStack() as stack:
            engine = engine or stack.enter_context(
                closing(open_store_patiently(self._settings, stopping=self._stopping))
            )
            live = find_live(engine, self._settings.collection)
            self._settings = with_recorded_policy(live, self._settings)
            encoder = encoder or self._encoder or choose_encoder(live, self._settings)
            if self._settings.dtype == INT8 and live is None:
                self._notes.append(require_int8(self._source, self._settings, engine, encoder))
            collection = open_collection(engine, self._settings.collection, encoder)
            check = stack.enter_context(
                only_run(engine, collection.name, self._settings, stopping=self._stopping)
            )
            remember_model_folder(engine, collection, self._settings)
            confirm = partial(confirm_space, encoder)
            guard = WriteGuard(engine, collection.name, check=check, confirm=confirm)
            letters = DeadLetters.read(self._dead_letters, retry=self._retry_failed)
            try:
                whole = self._ingest(engine, encoder, collection, letters, guard)
                self._remember(engine, collection)
            except BaseException:
                with suppress(StoreError):  # what ended the run is the news
                    self._list_failures(letters, whole=False)
                raise
            with self._stopwatch.lap("index"):
                if guard.has_written:
                    refresh_background(engine, collection.name)
                engine.flush()
                if whole:  # whoever stopped it will not wait for an index; the next run builds it
                    engine.optimize(collection.name)
        self._list_failures(letters, whole=whole)
        return self._to_report(
            encoder, collection, seconds=perf_counter() - start, interrupted=not whole
        )

    def _begin(self) -> None:
        """Nothing is counted yet."""
        self._stopwatch = Stopwatch()
        self._tally = Tally()
        self._skipped: Counter[str] = Counter()
        self._resolved: set[str] = set()
        self._notes: list[str] = []

    def _ingest(
        self,
        engine: Engine,
        encoder: Encoder,
        collection: ConcreteCollection,
        letters: DeadLetters,
        guard: WriteGuard,
    ) -> bool:
        with self._stopwatch.lap("known"):
            known = read_known(engine, collection.name, self._source)
        # Whoever keeps a ledger of the collection must learn that it was written to.
        writer = Writer(engine, collection.name, before_write=guard)
        refresh = Refresh.of(self._source, known)
        with Progress(self._source, shown=self._show_progress) as progress:

            def settle(outcome: Outcome) -> None:
                refresh.apply(outcome, writer)
                self._tally.add(outcome)
                self._note_resolved(outcome, letters)
                progress.advance(outcome)

            pipeline = self._to_line(engine, encoder).to_pipeline(
                collection,
                known,
                letters,
                writer=writer,
                callbacks=Callbacks(settle),
                stopping=self._stopping,
            )
            with self._stopwatch.lap("pipeline"):
                return pipeline.run(self._source.iter_records(self._skipped))

    def _remember(self, engine: Engine, collection: ConcreteCollection) -> None:
        """What ``sync`` will go by, unless it knows this root already: perhaps more of it."""
        known = read_roots(engine.read_metadata(collection.name))
        if self._root is not None and self._source.name not in known:
            remember_roots(engine, collection.name, [(self._root, self._source)])

    def _list_failures(self, letters: DeadLetters, *, whole: bool) -> None:
        if self._dead_letters:
            resolved = None if whole else self._resolved
            after = letters.after(self._tally.failures, self._source, resolved)
            write_dead_letters(self._dead_letters, after)

    def tune(self, encoder: Encoder | None = None) -> Tuning:
        """Measure workers and batch sizes on a sample, and use the quickest in :meth:`run`.

        Args:
            encoder: By default the one that a run would choose, which is then kept for it.
        """
        from ingest.tune import tune

        with closing(open_store_patiently(self._settings)) as engine:
            live = find_live(engine, self._settings.collection)
        self._settings = with_recorded_policy(live, self._settings)
        self._encoder = encoder or choose_encoder(live, self._settings)
        tuning = tune(self._source, self._settings, self._encoder)
        self._settings = tuning.applied_to(self._settings)
        return tuning

    def _to_line(self, engine: Engine, encoder: Encoder) -> AssemblyLine:
        self._workers = to_workers(self._settings, encoder, self._source)
        return AssemblyLine(
            self._source, self._settings, engine, encoder, self._stopwatch, self._workers
        )

    def _note_resolved(self, outcome: Outcome, letters: DeadLetters) -> None:
        """Remember which of the items that had failed are indexed now."""
        if outcome.record is not None and outcome.failure is None:
            uri = outcome.record.source_uri
            if uri in letters.failures:
                self._resolved.add(uri)

    def _to_report(
        self, encoder: Encoder, collection: ConcreteCollection, *, seconds: float, interrupted: bool
    ) -> RunReport:
        return RunReport(
            root=self._source.name,
            location=self._source.location,
            url=self._settings.url,
            collection=collection.name,
            model_id=encoder.space.model_id,
            fingerprint=encoder.space.fingerprint,
            counts=self._tally.to_counts(),
            failures=tuple(self._tally.failures),
            seconds={**self._stopwatch.to_seconds(), "total": round(seconds, 4)},
            interrupted=interrupted,
            workers=asdict(self._workers) if self._workers else {},
            notes=tuple(self._notes),
            skipped=dict(self._skipped.most_common()),
        )


def ensure_live(
    engine: Engine, name: str, encoder: Encoder, live: ConcreteCollection | None
) -> ConcreteCollection:
    """What :func:`~ingest.store.collections.find_live` found, or else a new one.

    Raises:
        SpaceMismatch: It was built in another space than the encoder's.
    """
    if live is None:
        canary = canary_vectors(encoder, encoder.space.modalities)
        return ensure_collection(engine, name, encoder.space, canary)
    check_space(live, encoder.space)
    return live


def open_collection(engine: Engine, name: str, encoder: Encoder) -> ConcreteCollection:
    """The live generation behind a name, made if there is none, with all payload indexes.

    Raises:
        SpaceMismatch: It was built in another space than the encoder's.
    """
    collection = ensure_live(engine, name, encoder, find_live(engine, name))
    ensure_payload_indexes(engine, collection.name)
    return collection


def _default_dead_letters(url: str) -> Path | None:
    index = to_index_path(url)
    return index / DEAD_LETTERS if index else None
