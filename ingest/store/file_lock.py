"""One process at a time, on one machine."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from schemas.errors import LockHeld

if TYPE_CHECKING:
    from pathlib import Path

_NOTE_BYTES: Final = 32


class FileLock:
    """An exclusive ``flock`` on a file, held until :meth:`release`.

    The kernel lets go of it when the last process that has the file open ends, however it ends:
    there are no stale locks. A second lock on the same file is refused even within one process.
    The file says which process holds it, for people.

    Args:
        path: The lock file; created when missing, never removed.

    Attributes:
        descriptor: Of the locked file; a child process that inherits it holds the lock too.

    Raises:
        LockHeld: Someone else holds it.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock or fail at once."""
        self.descriptor = -1
        while self.descriptor < 0:
            descriptor = self._lock(path)
            if _is_at(path, descriptor):
                self.descriptor = descriptor
            else:  # it was removed between opening and locking: another one's would be a new file
                os.close(descriptor)
        sign(self.descriptor)

    def release(self) -> None:
        """Let go of the lock; releasing twice is harmless."""
        if self.descriptor < 0:
            return
        # Unlocked, not only closed: a forked worker may have the file open still.
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        os.close(self.descriptor)
        self.descriptor = -1

    def refusal(self, path: Path, holder: str) -> str:
        """What is said when someone else holds it.

        Args:
            path: The lock file.
            holder: Id of that process, or "unknown".
        """
        return f"{path}: process {holder} holds this lock; wait for it to end"

    def _lock(self, path: Path) -> int:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, _NOTE_BYTES, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise LockHeld(self.refusal(path, holder or "unknown")) from None
        except OSError:
            os.close(descriptor)
            raise
        return descriptor


def sign(descriptor: int) -> None:
    """Write this process's id into the lock file; on a full disk the lock holds without it."""
    with suppress(OSError):
        os.pwrite(descriptor, f"{os.getpid()}\n".ljust(_NOTE_BYTES).encode(), 0)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
