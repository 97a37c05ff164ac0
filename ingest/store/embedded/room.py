"""Room on the disk, looked for before an index is opened and before each write.

``qdrant_edge`` writes through memory maps of files that are longer than what they hold. Where the
disk has no room for a page of them, the operating system kills the process; nothing can be caught.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from schemas.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

OPENING_BYTES = 80_000_000
"""Opening, also to read, lays out two files of 32 MiB of the log (measured: 50 MiB are too few)."""

WRITING_BYTES = 160_000_000
"""Two more of vectors and payloads may be begun at once."""


def check_room(folder: Path, least_bytes: int) -> None:
    """See that there is room.

    Raises:
        StoreError: There is less.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < least_bytes:
        raise StoreError(
            f"{folder}: the disk has {free_bytes / 1e6:,.0f} MB left, and an index needs "
            f"{least_bytes / 1e6:,.0f} MB to work with; make room and run again"
        )
