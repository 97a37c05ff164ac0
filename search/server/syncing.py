"""The server's own synchronisations: one at a time, with its own store and encoder.

An embedded index belongs to one process at a time, so while a server has it open nobody else can
bring it up to date.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.errors import DiptychError
from schemas.settings import RootSettings

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.space import Encoder
    from schemas.sync_report import SyncReport
    from search.server.service import Service

_LOG = logging.getLogger(__name__)

INBOX: Final = "inbox"
"""Name of the root that sent records lie in."""


class Syncing:
    """Runs synchronisations in a thread of its own.

    Args:
        service: Whose index is written.

    Attributes:
        writing: By a record's path, who writes it; gone when nobody does.
        last_error: Class name of what ended the last run early; None where nothing did.
    """

    def __init__(self, service: Service) -> None:
        """Run nothing yet."""
        self._service = service
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="diptych-sync")
        self._stopping = Event()
        self._lock = Lock()
        self._next: dict[str, Future[SyncReport]] = {}
        self._deletes = False
        self.writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.last_error: str | None = None

    @property
    def inbox(self) -> Path | None:
        """Folder of the root that sent records lie in."""
        return self._service.settings.serve.inbox

    def begin(self) -> None:
        """Synchronise on the settings' schedule from now on."""
        if self._service.settings.serve.sync_every:
            Thread(target=self._repeat, name="diptych-schedule", daemon=True).start()

    def sync_inbox(self, *, deletes: bool = False) -> Future[SyncReport]:
        """The report of a run over the inbox that begins from now on, for all who ask.

        Args:
            deletes: Whether a file was removed: then it was there, so the folder is the right one,
                and not the place of a disk that is gone; as much may vanish as has.
        """
        with self._lock:
            self._deletes = self._deletes or deletes
        return self._ask(INBOX)

    def sync_all(self) -> Future[SyncReport]:
        """The report of a run over all roots."""
        return self._ask("all")

    def close(self) -> None:
        """End the run that is under way, early but whole."""
        self._stopping.set()
        self._thread.shutdown(cancel_futures=True)

    def _ask(self, which: str) -> Future[SyncReport]:
        with self._lock:
            if which not in self._next:
                self._next[which] = self._thread.submit(self._run, which)
            return self._next[which]

    def _run(self, which: str) -> SyncReport:
        with self._lock:  # who asks from now on may have come too late for this run
            self._next.pop(which, None)
            deletes = which == INBOX and self._deletes
            self._deletes = self._deletes and not deletes
        service = self._service
        options = SyncOptions(allow_mass_delete=deletes, show_progress=False)
        roots = self._to_roots(which)
        job = SyncJob(roots, service.settings, options=options, stopping=self._stopping)
        try:
            report = job.run(engine=service.engine, encoder=_to_inner(service.encoder))
        except BaseException as error:
            self.last_error = type(error).__name__
            service.metrics.note_sync(None)
            raise
        self.last_error = report.problems[0].kind if report.problems else None
        service.metrics.note_sync(report)
        counts = {name: number for name, number in report.counts.changes.items() if number}
        _LOG.info("synchronised in %.1f s: %s", report.seconds, counts or "nothing to do")
        return report

    def _to_roots(self, which: str) -> list[RootSettings]:
        inbox = self.inbox
        own = [RootSettings(source=str(inbox), name=INBOX)] if inbox else []
        if which == INBOX:
            return own
        configured = list(self._service.settings.roots)
        return [*configured, *own] if configured else []

    def _repeat(self) -> None:
        """Again and again; whatever goes wrong, the server goes on and the next run tries again."""
        every = self._service.settings.serve.sync_every
        while not self._stopping.wait(every):
            try:
                self.sync_all().result()
            except DiptychError as error:
                _LOG.warning("%s: %s; the next synchronisation tries again", error.kind, error)
            except Exception:  # noqa: BLE001 - the server outlives it
                if self._stopping.is_set():
                    return
                _LOG.exception("a synchronisation failed; the next one tries again")


def _to_inner(encoder: Encoder) -> Encoder:
    """Without the measuring: items are no searches."""
    inner: Encoder = getattr(encoder, "inner", encoder)
    return inner
