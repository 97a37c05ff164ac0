"""Run again whenever a folder says that something changed, and now and then in any case.

What the operating system reports is a hint only: it loses events, and knows none of network file
systems. Every run is an ordinary one over all roots.
"""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from ingest.store.connect import to_index_path
from ingest.sync.job import SyncJob
from ingest.sync.state import to_state_dir
from schemas.errors import DiptychError, RunStopped, SettingsError, StoreUnavailable
from schemas.report import EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ingest.sync.session import SyncOptions
    from schemas.settings import RootSettings, Settings
    from schemas.sync_report import SyncReport

DEBOUNCE_SECONDS = 2.0
"""A run begins when nothing more has been reported for so long: files are often written in pieces,
and a file changed less than two seconds ago would be hashed again by the next run."""

_LOG = logging.getLogger(__name__)


def watch(
    roots: Sequence[RootSettings],
    settings: Settings,
    options: SyncOptions,
    *,
    stopping: Event,
    every_seconds: float,
    on_report: Callable[[SyncReport], None],
    run_once: Callable[[SyncJob], SyncReport] = SyncJob.run,
) -> int:
    """Synchronise until stopped.

    An error of one run (a server that does not answer, another run under way) is logged, and the
    next run tries again; a first run that fails ends it.

    Args:
        roots: See :class:`SyncJob`.
        settings: Likewise.
        options: Likewise.
        stopping: Ends it, after the batch that is under way.
        every_seconds: The longest time between the beginnings of two runs.
        on_report: Told every report.
        run_once: Runs a job; something may be done around it.

    Returns:
        The exit status: 0 once it was stopped.

    Raises:
        SettingsError: watchfiles is not installed, or there is nothing to watch.
        DiptychError: The first run failed.
    """
    if find_spec("watchfiles") is None:
        raise SettingsError("--watch needs watchfiles: pip install 'diptych[watch]'")
    report = run_once(SyncJob(roots, settings, options=options, stopping=stopping))
    on_report(report)
    hint = _Hint(_to_folders(report), _to_own_folders(settings), stopping)
    for _ in hint.iter_due(every_seconds):
        try:
            on_report(run_once(SyncJob(roots, settings, options=options, stopping=stopping)))
        except RunStopped:
            break
        except StoreUnavailable as error:
            _LOG.warning("%s; the next run tries again", error)
        except DiptychError as error:
            _LOG.error("%s: %s; the next run tries again", error.kind, error)
    return EXIT_OK


class _Hint:
    """Says when to run.

    Args:
        folders: Which are watched.
        ignored: Folders in them that runs write to themselves, without links.
        stopping: Ends it.
    """

    def __init__(self, folders: Sequence[str], ignored: Sequence[str], stopping: Event) -> None:
        self._ignored = tuple(f"{folder}{os.sep}" for folder in ignored)
        self._stopping = stopping
        self._changed = Event()
        if folders:
            Thread(target=self._follow, args=(folders,), name="diptych-watch", daemon=True).start()

    def iter_due(self, every_seconds: float) -> Iterator[None]:
        """Yields when something has changed, or enough time has passed; ends when stopped."""
        due = monotonic() + every_seconds
        while not self._stopping.wait(0.1):
            if self._changed.is_set() or monotonic() >= due:
                self._changed.clear()
                due = monotonic() + every_seconds
                yield

    def _follow(self, folders: Sequence[str]) -> None:
        from watchfiles import watch as iter_changes

        changes = iter_changes(
            *folders,
            watch_filter=lambda _, path: not self._is_ours(path),
            debounce=30_000,
            step=int(DEBOUNCE_SECONDS * 1000),
            stop_event=self._stopping,
            raise_interrupt=False,
        )
        for changed in changes:
            _LOG.info("%d changes reported", len(changed))
            self._changed.set()

    def _is_ours(self, path: str) -> bool:
        """By the real path: a root may be reached through a link."""
        return os.path.realpath(path).startswith(self._ignored)


def _to_folders(report: SyncReport) -> list[str]:
    """The roots that are local folders."""
    return [root.location for root in report.roots if os.path.isdir(root.location)]  # noqa: PTH112


def _to_own_folders(settings: Settings) -> list[str]:
    own: list[Path | None] = [to_index_path(settings.url), to_state_dir(settings)]
    return [os.path.realpath(path) for path in own if path is not None]
