"""One process at a time has an embedded index open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.store.file_lock import FileLock

if TYPE_CHECKING:
    from pathlib import Path


class FolderLock(FileLock):
    """The lock of an index's folder, in which its file lies."""

    def refusal(self, path: Path, holder: str) -> str:
        """Name the index rather than the lock file."""
        return (
            f"{path.parent}: process {holder} has this index open, and one process at a time may; "
            f"wait for it to end, or use a Qdrant server"
        )
