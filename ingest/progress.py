"""The progress bar: items a second, time left, failures; silent when nobody watches."""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Never, Self

from tqdm import tqdm

from ingest.logs import is_json
from ingest.outcome import Action
from ingest.sources.folder import FolderSource
from schemas.errors import SourceUnavailable

if TYPE_CHECKING:
    from types import TracebackType

    from ingest.outcome import Outcome
    from ingest.sources.source import Source

COUNT_STEP = 1_000
"""Items counted between two looks at whether counting is still wanted."""


class Progress:
    """A bar on stderr over a source's items.

    The total of a folder is counted by a second listing in the background, so that the first item
    need not wait for it; until it is known, and for other sources, whose listing costs more, the
    bar shows the rate alone.

    Args:
        source: What is being ingested.
        shown: Whether to draw at all; by default only on a terminal, and not among JSON logs.
    """

    def __init__(self, source: Source, *, shown: bool | None = None) -> None:
        """Prepare a bar; nothing is drawn before ``with``."""
        self._shown = (sys.stderr.isatty() and not is_json()) if shown is None else shown
        self._bar: tqdm[Never] = tqdm(
            desc=source.name, unit="item", disable=not self._shown, dynamic_ncols=True
        )
        self._source = source
        self._done = Event()
        self._failed = 0

    def __enter__(self) -> Self:
        """Begin to count in the background."""
        if self._shown and isinstance(self._source, FolderSource):
            Thread(target=self._count, name="diptych-count", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the finished bar on the screen."""
        self._done.set()
        self._bar.close()

    def advance(self, outcome: Outcome) -> None:
        """One more item is done."""
        if outcome.action is Action.FAILED:
            self._failed += 1
            self._bar.set_postfix(failed=self._failed, refresh=False)
        self._bar.update()

    def _count(self) -> None:
        total = 0
        with suppress(SourceUnavailable):  # which the listing itself reports
            for total, _ in enumerate(self._source.iter_records(), start=1):
                if total % COUNT_STEP == 0 and self._done.is_set():
                    return
            self._bar.total = total
