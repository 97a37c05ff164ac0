"""Once through one root: index what is listed, then remove what vanished."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from ingest.assembly import AssemblyLine, to_workers
from ingest.callbacks import Callbacks
from ingest.ledger.ledger import RootState
from ingest.ledger.rows import Settled
from ingest.outcome import Action, Outcome, Tally
from ingest.plan import read_root
from ingest.progress import Progress
from ingest.refresh import Refresh, check_rival, to_other_kind
from ingest.sources.uris import to_source_uri
from ingest.store.writer import Writer
from ingest.sync.recorder import Recorder
from ingest.sync.selection import Selection, to_quarantined
from ingest.sync.sweep import check_sweep, count_held, delete_items, take_twin, to_mount_point
from schemas.errors import MassDeleteRefused, SettingsError, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingest.sources.source import Source
    from ingest.stopwatch import Stopwatch
    from ingest.sync.session import Session
    from schemas.errors import SourceError
    from schemas.records import Record


class RootPass:
    """Goes once through a root: :meth:`index`, :meth:`find_moved`, :meth:`sweep`.

    Args:
        source: The root.
        session: What it has in common with the run's other roots.
        stopwatch: Takes the time of the stages.
        on_accepted: Called once it is known that the root's name stands for nothing else.

    Attributes:
        tally: What was done.
        changed: Each item that was not passed over as unchanged, and which way it took.
        skipped: What the listing passed over in silence, by kind.
        workers: How many threads each stage had.
        added: How many items of each content hash were added and excuse none that vanished yet.
        unseen: Items that are indexed and were not listed.
        refusal: Why nothing was removed, if much had vanished.
    """

    def __init__(
        self,
        source: Source,
        session: Session,
        stopwatch: Stopwatch,
        *,
        on_accepted: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is listed yet."""
        self.tally = Tally()
        self.changed: dict[str, Action] = {}
        self.skipped: Counter[str] = Counter()
        self.workers: dict[str, int] = {}
        self.added: Counter[str] = Counter()
        self.unseen: frozenset[str] = frozenset()
        self.refusal: MassDeleteRefused | None = None
        self._on_accepted = on_accepted
        self._source = source
        self._session = session
        self._stopwatch = stopwatch
        self._ledger = session.ledger
        self._prefix = to_source_uri(source.name, "", source.scheme)
        self._context = session.to_context(source)
        self._vanished: list[str] = []
        self._moved: dict[str, RootPass] = {}
        self._known = self._listed = 0

    def index(self) -> bool:
        """Index what is listed; gives whether the end of the listing was reached.

        Raises:
            StoreUnavailable: The store went away for longer than retries last.
            SourceUnavailable: The source did; what was done until then is done and counted.
            SettingsError: The root's name stands for another place that is still there.
        """
        with self._stopwatch.lap("known"):
            state = self._agree()
        if state.context != self._context:  # until all of it is listed, its stamps mean nothing
            self._session.agreed[self._source.name] = state._replace(context=None)
            self._ledger.forget_context(self._source.name)  # also if this run is not sealed
        selection = self._select(believes_context=state.context == self._context)
        recorder = Recorder(self._ledger, self._source.name, selection.stamps_seen)
        self.added = recorder.added
        try:
            whole = self._index(selection, recorder)
        except (SourceUnavailable, SettingsError):
            self._count(selection)
            raise
        self._count(selection)
        if whole:
            self._conclude(selection, state)
        return whole

    def find_moved(self, passes: Sequence[RootPass]) -> None:
        """Which vanished items are among those that passes added; each of these excuses one.

        Args:
            passes: Over this root and over others.
        """
        passes = [one for one in passes if one.added.total()]
        if not passes:
            return
        for uri in self._vanished:
            if uri not in self._moved:
                versions = self._ledger[uri].versions
                target = next((one for one in passes if take_twin(versions, one.added)), None)
                if target is not None:
                    self._moved[uri] = target

    def sweep(self) -> None:
        """Remove what vanished.

        Raises:
            StoreUnavailable: The store went away for longer than retries last.
        """
        state = self._session.agreed[self._source.name]
        gone = self._to_gone(state)
        with self._stopwatch.lap("sweep"):
            delete_items(self._to_writer(), gone)
        if gone:
            self._ledger.forget(gone)
        self._count_gone(gone)
        self._session.agreed[self._source.name] = self._to_state(state)

    def _agree(self) -> RootState:
        """Make the ledger agree with the collection, and see that the name means this place."""
        name = self._source.name
        if name not in self._session.agreed:
            self.rebuild()
            self._session.agreed[name] = self._ledger.read_root(name)
        state = self._session.agreed[name]
        if self._ledger.has_others(name, self._prefix):
            raise to_other_kind(self._source)
        first = self._ledger.find_first(self._prefix)
        if first is not None and state.context != self._context:
            check_rival(self._source, first, self._ledger[first].location)
        self._on_accepted()
        return state

    def rebuild(self) -> None:
        """Read the root's rows anew from the payloads."""
        session, name = self._session, self._source.name
        found = read_root(session.engine, session.collection.name, name)
        self._ledger.rebuild(name, found)
        if found:
            session.rebuilt.add(name)

    def _select(self, *, believes_context: bool) -> Selection:
        stamps = self._ledger.read_stamps(self._prefix)
        self._known = len(stamps)
        return Selection(
            stamps,
            self._ledger.read_failed(self._prefix),
            self._ledger.read_deaths(self._prefix),
            self._session.letters,
            believes_stamps=believes_context and not self._session.options.checksum,
        )

    def _index(self, selection: Selection, recorder: Recorder) -> bool:
        """Everything that is listed; gives whether the end of the listing was reached."""
        with Progress(self._source, shown=self._session.options.show_progress) as progress:
            writer = self._to_writer()
            refresh = Refresh(self._ledger)

            def settle(outcome: Outcome) -> None:
                refresh.apply(outcome, writer)
                self._add(outcome)
                recorder.add(outcome)
                progress.advance(outcome)

            callbacks = Callbacks(settle, recorder.write, recorder.intend)
            listed = self._source.iter_records(self.skipped)
            with self._stopwatch.lap("pipeline"):
                whole = self._run_pipeline(selection.iter_changed(listed), writer, callbacks)
                for suspect in selection.to_suspects():
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
        self.workers = asdict(workers)
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
        self.tally.sums["scanned"] += selection.unchanged
        self.tally.sums["unchanged"] += selection.unchanged
        for record, failure in selection.failed_again:
            self._add(Outcome(Action.FAILED, record, failure=failure))
        settled = []
        for record in selection.quarantined:
            failure = to_quarantined(record)
            self._add(Outcome(Action.FAILED, record, failure=failure))
            settled.append(Settled(record.source_uri, record.stamp, None, failure))
        self._ledger.settle(self._source.name, settled)

    def _add(self, outcome: Outcome) -> None:
        self.tally.add(outcome)
        if outcome.action is Action.UNCHANGED:
            return
        if outcome.record is not None:
            self.changed[outcome.record.source_uri] = outcome.action
        elif outcome.failure is not None:
            self.changed[outcome.failure.source_uri] = outcome.action

    def _conclude(self, selection: Selection, before: RootState) -> None:
        """All is listed: what vanished is known, and stamps are of this place and pipeline."""
        self.unseen = selection.to_unseen()
        self._vanished = selection.to_vanished()
        self._listed = selection.listed
        self._ledger.forget_failures(selection.to_vanished_failures())
        if before.context != self._context:  # nobody has looked at those that were not listed
            unseen = [Settled(uri, None, None, None) for uri in self.unseen]
            self._ledger.settle(self._source.name, unseen)
        self._session.agreed[self._source.name] = before._replace(context=self._context)
        self._session.covered.add(self._prefix)

    def _to_gone(self, state: RootState) -> list[str]:
        """What is to be removed; if too much vanished, only what has moved."""
        if self._session.options.allow_mass_delete:
            return self._vanished
        lost = [uri for uri in self._vanished if uri not in self._moved]
        try:
            check_sweep(
                self._source,
                state.mount_point,
                lost=count_held(self._session, lost),
                known=self._known,
                listed=self._listed,
                share=self._session.settings.max_delete_share,
            )
        except MassDeleteRefused as refusal:
            self.refusal = refusal
            return sorted(self._moved)
        return self._vanished

    def _count_gone(self, gone: Sequence[str]) -> None:
        self.tally.sums["deleted"] += len(gone)
        self.tally.sums["moved"] += len(self._moved)
        for target in self._moved.values():
            if target is not self:
                self.tally.sums["moved_out"] += 1
                target.tally.sums["moved_in"] += 1

    def _to_state(self, before: RootState) -> RootState:
        """What holds of the root after it was gone through."""
        refused = self.refusal is not None and before.mount_point is not None
        mount_point = before.mount_point if refused else to_mount_point(self._source)
        return RootState(
            None, self._context, mount_point, datetime.now(UTC).isoformat(timespec="seconds")
        )

    def _to_writer(self) -> Writer:
        session = self._session
        return Writer(session.engine, session.collection.name, before_write=session.guard)
