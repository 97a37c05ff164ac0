"""The dead-letter file: one JSON line for each item that the last run could not index."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from schemas.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from schemas.report import Failure


def write_dead_letters(path: Path, failures: Iterable[Failure], fingerprint: str) -> None:
    """Replace the file by these failures, whole or not at all.

    Each line has ``source_uri``, ``location``, ``kind``, ``message`` and ``fingerprint`` (of the
    pipeline that failed on it). Without failures the file is empty: nothing is dead.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        _replace(path, failures, fingerprint)
    except OSError as error:
        raise StoreError(
            f"the dead letters cannot be written to {path} ({error.strerror}); what was indexed "
            f"stays indexed: name another file with --dead-letters and run again to list the rest"
        ) from error


def _replace(path: Path, failures: Iterable[Failure], fingerprint: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8") as lines:
        for failure in failures:
            lines.write(json.dumps({**asdict(failure), "fingerprint": fingerprint}) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
    unfinished.replace(path)
