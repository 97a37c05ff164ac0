"""One root: list it, index what changed, remove what vanished, and count."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from ingest.stopwatch import Stopwatch
from ingest.sync.root_pass import RootPass
from ingest.sync.two_passes import add_up
from schemas.collection import root_filter
from schemas.errors import CountMismatch, SettingsError, SourceUnavailable
from schemas.report import RunReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingest.outcome import Tally
    from ingest.sources.source import Source
    from ingest.sync.session import Session
    from schemas.errors import DiptychError


@dataclass(frozen=True, slots=True)
class RootOutcome:
    """What became of one root.

    Attributes:
        report: What was done; None if it was not even begun to be listed.
        problems: Why that is not all.
    """

    report: RunReport | None
    problems: tuple[DiptychError, ...] = ()


class RootSync:
    """Makes one root's part of a collection equal to its source. For one run.

    In two steps, so that what moved from one root to another lends its vectors before it goes:
    :meth:`index`, for every root; then :meth:`sweep`. What goes wrong with the root alone is
    among the problems of :meth:`to_outcome`; ``StoreUnavailable`` is raised.

    Args:
        source: The root.
        session: What it has in common with the run's other roots.
        on_accepted: Called once it is known that its name stands for nothing else.
    """

    def __init__(
        self, source: Source, session: Session, *, on_accepted: Callable[[], None] = lambda: None
    ) -> None:
        """Nothing is listed yet."""
        self._source = source
        self._session = session
        self._stopwatch = Stopwatch()
        self._to_pass = partial(RootPass, source, session, self._stopwatch, on_accepted=on_accepted)
        self._passes = [self._to_pass()]
        self._whole: list[bool] = []
        self._is_swept = False
        self._problems: list[DiptychError] = []
        self._notes: list[str] = []
        self._seconds = 0.0

    @property
    def is_indexed(self) -> bool:
        """Whether the end of the listing was reached."""
        return self._whole == [True] and not self._problems

    @property
    def newest(self) -> RootPass:
        """The pass under way."""
        return self._passes[-1]

    def index(self) -> None:
        """Index what is listed."""
        with self._attempt():
            self._whole.append(self.newest.index())

    def sweep(self) -> None:
        """Remove what vanished and count; if that does not add up, do all of it once more."""
        with self._attempt():
            self._sweep()
            if not self._is_counted_right():
                self._notes.append("the points did not add up: the root was gone through once more")
                self._repeat()

    def to_outcome(self) -> RootOutcome:
        """What became of the root."""
        refusals = [one.refusal for one in self._passes if one.refusal is not None]
        problems = (*self._problems, *refusals[-1:])
        tally = self._to_tally()
        was_begun = bool(self._whole or tally.sums["scanned"])
        return RootOutcome(self._to_report(tally) if was_begun else None, problems)

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        begun = perf_counter()
        try:
            yield
        except (SourceUnavailable, SettingsError) as error:
            self._problems.append(error)
        finally:
            self._seconds += perf_counter() - begun

    def _sweep(self) -> None:
        self.newest.sweep()
        self._is_swept = True

    def _repeat(self) -> None:
        """The second pass, over rows that are read anew."""
        self.newest.rebuild()
        self._is_swept = False
        self._passes.append(self._to_pass())
        self._whole.append(self.newest.index())
        if not self._whole[-1]:
            return
        self.newest.find_moved([self.newest])
        self._sweep()
        if not self._is_counted_right():
            self._disagree()

    def _disagree(self) -> None:
        """The next run reads the collection anew."""
        name = self._source.name
        self._session.agreed.pop(name, None)
        self._session.ledger.distrust(name)
        self._problems.append(
            CountMismatch(
                f"{name}: the collection holds another number of points than was written, also "
                "after a second pass: does another program write to it? The next run reads it "
                "anew; see diptych verify"
            )
        )

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
        return found == session.ledger.count_points(name)

    def _to_tally(self) -> Tally:
        if len(self._passes) == 1:
            return self.newest.tally
        return add_up(*self._passes, is_whole=self._whole[1:] == [True])

    def _to_report(self, tally: Tally) -> RunReport:
        session, space = self._session, self._session.encoder.space
        skipped = self._passes[-1 if self._whole[1:] == [True] else 0].skipped
        return RunReport(
            root=self._source.name,
            location=self._source.location,
            url=session.settings.url,
            collection=session.collection.name,
            model_id=space.model_id,
            fingerprint=space.fingerprint,
            counts=tally.to_counts(),
            failures=tuple(tally.failures),
            seconds={**self._stopwatch.to_seconds(), "total": round(self._seconds, 4)},
            interrupted=not self._is_swept and not self._problems,
            workers=self.newest.workers,
            notes=tuple(self._notes),
            skipped=dict(skipped.most_common()),
        )


def sweep_all(roots: Sequence[RootSync]) -> None:
    """Sweep roots that were indexed, once it is known which of their items moved.

    Args:
        roots: In order. What one added excuses first what vanished from it, then what did from
            others.

    Raises:
        StoreUnavailable: The store went away for longer than retries last.
    """
    passes = [root.newest for root in roots]
    for one in passes:
        one.find_moved([one])
    for one in passes:
        one.find_moved(passes)
    for root in roots:
        root.sweep()
