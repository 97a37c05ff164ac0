"""One ingestion run from a folder to a collection: what the command line runs, as a function."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Event, Lock
from time import perf_counter
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from ingest.dead_letters import write_dead_letters
from ingest.encoders.canary import canary_vectors, check_canary
from ingest.encoders.load import load_encoder
from ingest.outcome import Tally
from ingest.pipeline import Pipeline
from ingest.plan import read_known
from ingest.prepare import Preparer
from ingest.progress import Progress
from ingest.refresh import Refresh
from ingest.stopwatch import Stopwatch
from ingest.store.collections import check_space, ensure_collection, resolve_collection
from ingest.store.connect import open_store, to_index_path
from ingest.store.writer import Writer
from schemas.errors import CollectionMissing
from schemas.report import RunReport

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.outcome import Outcome
    from ingest.plan import Known
    from ingest.sources.folder import FolderSource
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Encoder

DEAD_LETTERS = "dead-letters.jsonl"


class IngestJob:
    """Brings one folder into one collection; running it again encodes only what changed.

    Args:
        source: The folder.
        settings: Index, collection, model, limits.
        dead_letters: Where failures are listed; without it inside an embedded index, and nowhere
            for a server.
        show_progress: Whether to draw a progress bar; by default only on a terminal.
        stopping: Set it from a signal handler to end the run early but whole.
    """

    def __init__(
        self,
        source: FolderSource,
        settings: Settings,
        *,
        dead_letters: Path | None = None,
        show_progress: bool | None = None,
        stopping: Event | None = None,
    ) -> None:
        """Keep the order; nothing is opened yet."""
        self._source = _without_index(source, settings.url)
        self._settings = settings
        self._dead_letters = dead_letters or _default_dead_letters(settings.url)
        self._show_progress = show_progress
        self._stopping = stopping or Event()
        self._stopwatch = Stopwatch()
        self._tally = Tally()

    def run(self, *, engine: Engine | None = None, encoder: Encoder | None = None) -> RunReport:
        """Ingest.

        Args:
            engine: An open store, left open; by default the settings' own, opened and closed.
            encoder: By default the settings' model.

        Returns:
            What the run did; its failures are also in the dead-letter file.

        Raises:
            LockHeld: Another process holds the embedded index.
            StoreUnavailable: The server stayed away for longer than retries last.
            SpaceMismatch: The collection belongs to another model.
            ModelUnavailable: The model cannot be loaded.
            SettingsError: The root's name stands for another folder that is still there.
        """
        start = perf_counter()
        with ExitStack() as stack:
            engine = engine or stack.enter_context(closing(open_store(self._settings)))
            encoder = encoder or load_encoder(
                self._settings.model, revision=self._settings.revision, threads=1
            )
            collection = open_collection(engine, self._settings.collection, encoder)
            whole = self._ingest(engine, encoder, collection)
            with self._stopwatch.lap("index"):
                engine.flush()
                if whole:  # whoever stopped it will not wait for an index; the next run builds it
                    engine.optimize(collection.name)
        if self._dead_letters:
            fingerprint = encoder.space.fingerprint
            write_dead_letters(self._dead_letters, self._tally.failures, fingerprint)
        return self._to_report(
            encoder, collection, seconds=perf_counter() - start, interrupted=not whole
        )

    def _ingest(self, engine: Engine, encoder: Encoder, collection: ConcreteCollection) -> bool:
        known = read_known(engine, collection.name, self._source.name)
        writer = Writer(engine, collection.name)
        refresh = Refresh.of(self._source, known)
        pipeline = Pipeline(
            self._preparer(encoder, known),
            encoder,
            writer,
            workers=self._settings.workers or _count_cores(),
            batch_size=self._settings.batch_size,
            stopwatch=self._stopwatch,
            before_encoding=_CanaryGuard(encoder, collection),
            stopping=self._stopping,
        )
        with Progress(self._source, shown=self._show_progress) as progress:

            def settle(outcome: Outcome) -> None:
                refresh.apply(outcome, writer)
                self._tally.add(outcome)
                progress.advance(outcome)

            return pipeline.run(self._source.iter_records(), settle)

    def _preparer(self, encoder: Encoder, known: dict[str, Known]) -> Preparer:
        from ingest.decode.limits import Limits

        settings = self._settings
        return Preparer(
            encoder,
            known,
            limits=Limits.from_settings(settings),
            overlap_tokens=settings.chunk_overlap_tokens,
            stopwatch=self._stopwatch,
        )

    def _to_report(
        self, encoder: Encoder, collection: ConcreteCollection, *, seconds: float, interrupted: bool
    ) -> RunReport:
        return RunReport(
            root=self._source.name,
            location=str(self._source.path),
            url=self._settings.url,
            collection=collection.name,
            model_id=encoder.space.model_id,
            fingerprint=encoder.space.fingerprint,
            counts=self._tally.to_counts(),
            failures=tuple(self._tally.failures),
            seconds={**self._stopwatch.to_seconds(), "total": round(seconds, 4)},
            interrupted=interrupted,
        )


def open_collection(engine: Engine, name: str, encoder: Encoder) -> ConcreteCollection:
    """The live generation behind a name, made if there is none.

    Raises:
        SpaceMismatch: It was built in another space than the encoder's.
    """
    try:
        collection = resolve_collection(engine, name)
    except CollectionMissing:
        canary = canary_vectors(encoder, encoder.space.modalities)
        return ensure_collection(engine, name, encoder.space, canary)
    check_space(collection, encoder.space)
    return collection


class _CanaryGuard:
    """Checks the encoder against the collection's canary once, before the first encoding.

    Not at the start of the run: a run that changes nothing loads no tower.
    """

    def __init__(self, encoder: Encoder, collection: ConcreteCollection) -> None:
        self._encoder = encoder
        self._collection = collection
        self._lock = Lock()
        self._passed = False

    def __call__(self) -> None:
        with self._lock:
            if not self._passed:
                modalities = self._encoder.space.modalities
                check_canary(self._encoder, self._collection.canary, modalities)
                self._passed = True


def _without_index(source: FolderSource, url: str) -> FolderSource:
    """The source without an embedded index that lies inside it."""
    index = to_index_path(url)
    if index is None or source.path not in index.parents:
        return source
    relative = GitIgnoreSpecPattern.escape(index.relative_to(source.path).as_posix())
    return replace(source, exclude=(*source.exclude, f"/{relative}/"))


def _count_cores() -> int:
    """Cores this process may use, where the platform can tell; else all of the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default_dead_letters(url: str) -> Path | None:
    index = to_index_path(url)
    return index / DEAD_LETTERS if index else None
