"""One writing run at a time for each generation of a collection."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from ingest.store.connect import is_server
from ingest.store.file_lock import FileLock
from ingest.sync.state import to_lock_path, to_state_dir
from schemas.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from threading import Event

    from ingest.store.engine import Engine
    from schemas.settings import Settings


class RunLock(FileLock):
    """The lock of the runs on one machine, held until it is released or the process ends.

    Args:
        path: See :func:`~ingest.sync.state.to_lock_path`; missing folders are made.

    Raises:
        LockHeld: Another run holds it; names its process.
        StoreError: The file cannot be made or locked.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock or fail at once."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path)
        except OSError as error:
            raise StoreError(
                f"{path}: the run cannot be locked ({error.strerror}): set state_dir to a folder "
                f"on a local disk that can be written to"
            ) from error

    def close(self) -> None:
        """Release it."""
        self.release()

    def refusal(self, path: Path, holder: str) -> str:
        """Name the generation."""
        return (
            f"{path.stem}: process {holder} on this machine is writing to it, and one run at a "
            f"time may; wait for it to end and run the same command again"
        )


@contextmanager
def only_run(
    engine: Engine,
    generation: str,
    settings: Settings,
    state_dir: Path | None = None,
    *,
    stopping: Event | None = None,
) -> Iterator[Callable[[], None]]:
    """Be the only run that writes to a generation, on this machine and, on a server, on any.

    Args:
        engine: Where the generation is.
        generation: Its own name.
        settings: Where the state lies, whether the index is a server's, how long a lease lasts.
        state_dir: Where the lock file lies; by default where the settings say.
        stopping: Ends the wait for a run on another machine that may be dead.

    Yields:
        What to call before every write; it raises ``LockHeld`` when another run has taken over.

    Raises:
        LockHeld: Another run is under way.
        StoreError: The lock file cannot be made.
        StoreUnavailable: The server did not answer.
        RunStopped: ``stopping`` was set while waiting.
    """
    state_dir = state_dir or to_state_dir(settings)
    with ExitStack() as stack:
        if state_dir is None:
            yield lambda: None
            return
        lock_path = to_lock_path(state_dir, generation)
        lock = stack.enter_context(closing(RunLock(lock_path)))
        if not is_server(settings.url):
            yield lambda: None
            return
        from ingest.store.lease import Lease, hold
        from ingest.sync.place import to_place

        place = to_place(lock_path, lock.descriptor)
        lease = Lease(
            engine, generation, place=place, seconds=settings.lease_seconds, stopping=stopping
        )
        yield stack.enter_context(hold(lease)).check
