"""Stamps: what changes whenever an item does, and costs no reading of it.

A stamp that is equal in two listings is a promise: neither the bytes nor what the listing says of
the item have changed. Where nothing makes that sure there is none, and the item is read again.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from stat import S_IFMT, S_IFREG
from time import time_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGEST_BYTES = 16
"""A row that changed keeps its digest by chance with a probability of 2**-128."""

_TO_WORDS = json.JSONEncoder(sort_keys=True, default=str).encode

RACY_NS = 2_000_000_000
"""The coarsest clock of a file system in use, that of FAT, in nanoseconds. A file that was changed
so shortly before it was looked at may be changed once more without its times showing it."""


def to_file_stamp(status: os.stat_result, begun_ns: int, ended_ns: int) -> str | None:
    """``size:mtime_ns:ctime_ns:inode`` of a regular file.

    An edit that puts size and modification time back still moves the time of the last change of
    the inode, which no call sets; a file that takes another's place has another inode.

    Args:
        status: Of the file, or of a link's target.
        begun_ns: When it was asked for, in nanoseconds since the epoch.
        ended_ns: When the answer was there.

    Returns:
        The stamp; None for what is no regular file, and for one that was changed within two
        seconds of the question or the answer.
    """
    modified_ns, changed_ns = status.st_mtime_ns, status.st_ctime_ns
    low, high = begun_ns - RACY_NS, ended_ns + RACY_NS
    if low <= modified_ns <= high or low <= changed_ns <= high:
        return None
    if S_IFMT(status.st_mode) != S_IFREG:
        return None
    return f"{status.st_size}:{modified_ns}:{changed_ns}:{status.st_ino}"


def stamp_file(path: str) -> str | None:
    """The stamp of a file, links followed; None where there is none, or no file."""
    begun_ns = time_ns()
    try:
        status = os.stat(path)  # noqa: PTH116 - the path may be no text
    except (OSError, ValueError):
        return None
    return to_file_stamp(status, begun_ns, time_ns())


def stamp_row(path: str, said: Sequence[object], vector: Sequence[float] | None) -> str | None:
    """The stamp of a file and of all that the row which names it says of it.

    Args:
        path: The file.
        said: Anything that JSON can hold.
        vector: That of the row, if it has one.

    Returns:
        The file's stamp and a digest of the rest; None where the file has none.
    """
    stamp = stamp_file(path)
    if stamp is None:
        return None
    digest = blake2b(_TO_WORDS(said).encode(), digest_size=_DIGEST_BYTES)
    if vector is not None:
        digest.update(_to_bytes(vector))
    return f"{stamp}:{digest.hexdigest()}"


def _to_bytes(vector: Sequence[float]) -> bytes:
    import numpy as np

    return np.asarray(vector, np.float32).tobytes()
