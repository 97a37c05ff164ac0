"""One root: list it, index what changed, remove what vanished, and count."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING

from ingest.assembly import AssemblyLine, to_workers
from ingest.callbacks import Callbacks
from ingest.ledger.ledger import RootState, Settled
from ingest.outcome import Action, Outcome, Tally
from ingest.plan import read_root
from ingest.progress import Progress
from ingest.refresh import Refresh, check_rival, to_other_kind
from ingest.sources.uris import to_source_uri
from ingest.stopwatch import Stopwatch
from ingest.store.writer import Writer
from ingest.sync.recorder import Recorder
from ingest.sync.selection import Selection, to_quarantined
from ingest.sync.sweep import check_sweep, delete_items, take_twin, to_mount_point
from schemas.collection import root_filter
from schemas.errors import MassDeleteRefused
from schemas.report import RunReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ingest.sources.source import Source
    from ingest.sync.session import Session
    from schemas.errors import SourceError
    from schemas.records import Record


@dataclass(frozen=True, slots=True)
class RootOutcome:
    """What became of one root.

    Attributes:
        report: What was done.
        refusal: Why nothing was removed, if much had vanished.
    """

    report: RunReport
    refusal: MassDeleteRefused | None = None


class RootSync:
    """Makes one root's part of a collection equal to its source. For one run.

    Args:
        source: The root.
        session: What it has in common with the run's other roots.
        on_accepted: Called once it is known that its name stands for nothing else.
    """

    def __init__(
        self, source: Source, session: Session, *, on_accepted: Callable[[], None] = lambda: None
    ) -> None:
        """Nothing is listed yet."""
        self._on_accepted = on_accepted
        self._source = source
        self._session = session
        self._ledger = session.ledger
        self._prefix = to_source_uri(source.name, "", source.scheme)
        self._context = session.to_context(source)
        self._tally = Tally()
        self._stopwatch = Stopwatch()
        self._skipped: Counter[str] = Counter()
        self._notes: list[str] = []
        self._workers: dict[str, int] = {}
        self._refusal: MassDeleteRefused | None = None

    def run(self) -> RootOutcome:
        """Go through the root.

        Raises:
            StoreUnavailable: The store went away for longer than retries last.
            SourceUnavailable: The source did; what was done until then is done.
            SettingsError: The root's name stands for another place that is still there.
        """
        begun = perf_counter()
        whole = self._pass()
        if whole and not self._is_counted_right():
            self._notes.append("the points did not add up: the root was gone through once more")
            self._rebuild()
            self._tally = Tally()
            whole = self._pass()
        report = self._to_report(perf_counter() - begun, is_interrupted=not whole)
        return RootOutcome(report, self._refusal)

    def _pass(self) -> bool:
        """Once through the root; gives whether its end was reached."""
        session = self._session
        with self._stopwatch.lap("known"):
            state = self._agree()
        context = self._context
        if state.context != context:  # until all of it is gone through, its stamps mean nothing
            session.agreed[self._source.name] = state._replace(context=None)
            self._ledger.forget_context(self._source.name)  # also if this run is not sealed
        failed = self._ledger.read_failed(self._prefix)
        stamps = self._ledger.read_stamps(self._prefix)
        known = len(stamps)
        selection = Selection(
            stamps,
            failed,
            self._ledger.read_attempts(),
            session.letters,
            believes_stamps=state.context == context and not session.options.checksum,
        )
        recorder = Recorder(self._ledger, self._source.name, selection.stamps_seen)
        whole = self._index(selection, recorder)
        self._count(selection)
        if whole:
            self._sweep(selection, recorder, known=known, mount_before=state.mount_point)
            session.agreed[self._source.name] = self._to_state(state, context)
            session.covered.add(self._prefix)
        return whole

    def _to_state(self, before: RootState, context: str) -> RootState:
        """What holds of the root after it was gone through."""
        refused = self._refusal is not None and before.mount_point is not None
        mount_point = before.mount_point if refused else to_mount_point(self._source)
        return RootState(
            None, context, mount_point, datetime.now(UTC).isoformat(timespec="seconds")
        )

    def _agree(self) -> RootState:
        """Make the ledger agree with the collection, and see that the name means this place."""
        name = self._source.name
        if name not in self._session.agreed:
            self._rebuild()
            self._session.agreed[name] = self._ledger.read_root(name)
        state = self._session.agreed[name]
        if self._ledger.has_others(name, self._prefix):
            raise to_other_kind(self._source)
        first = self._ledger.find_first(self._prefix)
        if first is not None and state.context != self._context:
            check_rival(self._source, first, self._ledger[first].location)
        self._on_accepted()
        return state

    def _rebuild(self) -> None:
        session, name = self._session, self._source.name
        found = read_root(session.engine, session.collection.name, name)
        self._ledger.rebuild(name, found)
        if found:
            session.rebuilt.add(name)

    def _index(self, selection: Selection, recorder: Recorder) -> bool:
        """Everything that is listed; gives whether the end of the listing was reached."""
        with Progress(self._source, shown=self._session.options.show_progress) as progress:
            writer = self._to_writer()
            refresh = Refresh(self._ledger)

            def settle(outcome: Outcome) -> None:
                refresh.apply(outcome, writer)
                self._tally.add(outcome)
                recorder.add(outcome)
                progress.advance(outcome)

            callbacks = Callbacks(settle, recorder.write, recorder.intend)
            listed = self._source.iter_records(self._skipped)
            with self._stopwatch.lap("pipeline"):
                whole = self._run_pipeline(selection.iter_changed(listed), writer, callbacks)
                for suspect in selection.suspects:
                    whole = whole and self._run_pipeline([suspect], writer, callbacks)
        return whole

    def _run_pipeline(
        self, items: Iterable[Record | SourceError], writer: Writer, callbacks: Callbacks
    ) -> bool:
        """Index items; without any, nothing is started and nothing is loaded."""
        session = self._session
        iterator = iter(items)
        first = next(iterator, None)
        if first is None:
            return not session.stopping.is_set()
        workers = to_workers(session.settings, session.encoder, self._source)
        self._workers = asdict(workers)
        line = AssemblyLine(
            self._source,
            session.settings,
            session.engine,
            session.encoder,
            self._stopwatch,
            workers,
            session.lender,
        )
        pipeline = line.to_pipeline(
            session.collection,
            self._ledger,
            session.letters,
            writer=writer,
            callbacks=callbacks,
            stopping=session.stopping,
        )
        return pipeline.run(chain((first,), iterator))

    def _count(self, selection: Selection) -> None:
        """What never came to the pipeline."""
        self._tally.sums["scanned"] += selection.unchanged
        self._tally.sums["unchanged"] += selection.unchanged
        for record, failure in selection.failed_again:
            self._tally.add(Outcome(Action.FAILED, record, failure=failure))
        settled = []
        for record in selection.quarantined:
            failure = to_quarantined(record)
            self._tally.add(Outcome(Action.FAILED, record, failure=failure))
            settled.append(Settled(record.source_uri, record.stamp, None, failure))
        self._ledger.settle(self._source.name, settled)

    def _sweep(
        self, selection: Selection, recorder: Recorder, *, known: int, mount_before: str | None
    ) -> None:
        """Remove what vanished."""
        self._ledger.forget_failures(selection.to_vanished_failures())
        vanished = selection.to_vanished()
        moved = {uri for uri in vanished if take_twin(self._ledger[uri].versions, recorder.added)}
        try:
            if not self._session.options.allow_mass_delete:
                check_sweep(
                    self._source,
                    mount_before,
                    lost=len(vanished) - len(moved),
                    known=known,
                    listed=selection.listed,
                    share=self._session.settings.max_delete_share,
                )
        except MassDeleteRefused as refusal:
            self._refusal = refusal
            vanished = sorted(moved)
        with self._stopwatch.lap("sweep"):
            delete_items(self._to_writer(), vanished)
        if vanished:
            self._ledger.forget(vanished)
        self._tally.sums["deleted"] += len(vanished)
        self._tally.sums["moved"] += len(moved)

    def _is_counted_right(self) -> bool:
        """Whether the collection has as many points of the root as the ledger says.

        Not asked where nothing was written and the index is embedded: it is this process's alone,
        and counting would load all of it.
        """
        session, name = self._session, self._source.name
        if not session.guard.has_written and session.is_embedded:
            return True
        with self._stopwatch.lap("count"):
            found = session.engine.count(session.collection.name, root_filter(name)).count
        return found == self._ledger.count_points(name)

    def _to_writer(self) -> Writer:
        session = self._session
        return Writer(session.engine, session.collection.name, before_write=session.guard)

    def _to_report(self, seconds: float, *, is_interrupted: bool) -> RunReport:
        session, space = self._session, self._session.encoder.space
        return RunReport(
            root=self._source.name,
            location=self._source.location,
            url=session.settings.url,
            collection=session.collection.name,
            model_id=space.model_id,
            fingerprint=space.fingerprint,
            counts=self._tally.to_counts(),
            failures=tuple(self._tally.failures),
            seconds={**self._stopwatch.to_seconds(), "total": round(seconds, 4)},
            interrupted=is_interrupted,
            workers=self._workers,
            notes=tuple(self._notes),
            skipped=dict(self._skipped.most_common()),
        )
