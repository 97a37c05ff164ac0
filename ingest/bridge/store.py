"""What encoders said of items, kept by the items' content: nothing is described twice.

One SQLite file in Diptych's cache folder. It may be deleted at any time, and several processes may
use it at once. A damaged entry is described again; a damaged file is begun anew.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing, suppress
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from ingest.encoders.bridge.described import Described

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

FILE: Final = "bridge-features.sqlite"
"""Its name in the cache folder."""

MOST_BYTES: Final = 4_000_000_000
"""Of the entries together; beyond it the oldest go. Of the hinge that is some 290,000 images."""

FORMAT: Final = 1
"""Of an entry; another one is not read."""

_WAIT_SECONDS: Final = 60.0
_DIGEST_BYTES: Final = 16
_KEYS_A_QUESTION: Final = 500
_SAME: Final = -2
"""In place of a length: the own vector is the features themselves."""

_log = logging.getLogger(__name__)


class FeatureStore:
    """Rows of :class:`Described` by key. Safe to use from several threads.

    Whatever goes wrong with the file costs time and not the run: it is told once, and from then on
    nothing is found and nothing kept.

    Args:
        path: The file; its folder is made. None keeps nothing.
        most_bytes: Of all entries together.
    """

    def __init__(self, path: Path | None, *, most_bytes: int = MOST_BYTES) -> None:
        """Open or make the file."""
        self._path = path
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            self._open(path)

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop the oldest entries over the bound, and close."""
        with self._lock, suppress(sqlite3.Error):
            if self._connection is not None:
                self._prune(self._connection)
                self._connection.close()
        self._connection = None

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Described]:
        """One-row descriptions of those keys that are kept and sound."""
        found: dict[bytes, Described] = {}
        with self._lock:
            for start in range(0, len(keys), _KEYS_A_QUESTION):
                found |= self._find(keys[start : start + _KEYS_A_QUESTION])
        return found

    def keep(self, rows: Mapping[bytes, Described]) -> None:
        """Keep one-row descriptions, all of them or none."""
        with self._lock:
            if self._connection is None or not rows:
                return
            entries = [(key, to_content(key, row)) for key, row in rows.items()]
            try:
                with self._connection:
                    self._connection.executemany(
                        "INSERT OR REPLACE INTO entries (key, content) VALUES (?, ?)", entries
                    )
            except sqlite3.Error as error:
                self._handle(error)

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, Described]:
        if self._connection is None:
            return {}
        marks = ",".join("?" * len(keys))
        question = f"SELECT key, content FROM entries WHERE key IN ({marks})"  # noqa: S608 - marks
        try:
            rows = self._connection.execute(question, list(keys)).fetchall()
        except sqlite3.Error as error:
            self._handle(error)
            return {}
        read = ((bytes(key), from_content(bytes(key), content)) for key, content in rows)
        return {key: described for key, described in read if described is not None}

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(path)
        except (OSError, sqlite3.Error) as error:
            self._handle(error)

    def _handle(self, error: Exception) -> None:
        """A damaged file is begun anew; one that is locked, read-only or full is left alone."""
        is_damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError
        )
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if is_damaged and self._path is not None:
            _log.warning("%s is damaged and is begun anew", self._path)
            self._begin_anew(self._path)
        else:
            self._give_up(error)

    def _begin_anew(self, path: Path) -> None:
        try:
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            self._connection = _connect(path)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._connection = None
        _log.warning(
            "%s cannot be used (%s): what encoders say is not kept; set DIPTYCH_CACHE_DIR to a "
            "folder that can be written, or remove the file",
            self._path,
            error,
        )

    def _prune(self, connection: sqlite3.Connection) -> None:
        bytes_held = "SELECT COALESCE(SUM(LENGTH(content)), 0) FROM entries"
        (held,) = connection.execute(bytes_held).fetchone()
        if held <= self._most_bytes:
            return
        with connection:  # the oldest, until a tenth is free
            connection.execute(
                "DELETE FROM entries WHERE number <= (SELECT MAX(number) FROM (SELECT number, "
                "SUM(LENGTH(content)) OVER (ORDER BY number DESC) AS so_far FROM entries) "
                "WHERE so_far > ?)",
                (int(self._most_bytes * 0.9),),
            )


def to_content(key: bytes, described: Described) -> bytes:
    """An entry: a digest, four int32 (format and lengths), then the float32 numbers of one row."""
    features, own, logits = described.columns
    is_same = own is features or (
        own is not None and features is not None and np.array_equal(own, features)
    )
    parts = [features, None if is_same else own, logits]
    lengths = [-1 if part is None else part.shape[1] for part in parts]
    lengths[1] = _SAME if is_same else lengths[1]
    numbers = b"".join(np.asarray(one, "<f4").tobytes() for one in parts if one is not None)
    body = np.array([FORMAT, *lengths], "<i4").tobytes() + numbers
    return _to_digest(key, body) + body


def from_content(key: bytes, content: bytes) -> Described | None:
    """The row of an entry; None of a damaged one, or one of another format."""
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != _to_digest(key, body) or len(body) < 16:  # noqa: PLR2004 - four int32
        return None
    form, *lengths = (int(one) for one in np.frombuffer(body[:16], "<i4"))
    if form != FORMAT:
        return None
    numbers = np.frombuffer(body[16:], "<f4").astype(np.float32)
    ends = np.cumsum([max(0, length) for length in lengths])
    features, own, logits = (
        None if length < 0 else numbers[None, end - length : end]
        for length, end in zip(lengths, ends, strict=True)
    )
    if features is None:
        return None
    return Described(features, features if lengths[1] == _SAME else own, logits)


def _to_digest(key: bytes, body: bytes) -> bytes:
    from blake3 import blake3

    return blake3(key + body).digest(length=_DIGEST_BYTES)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")  # a loss of power costs the last entries
        with connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, "
                "key BLOB NOT NULL UNIQUE, content BLOB NOT NULL)"
            )
        with closing(connection.execute("SELECT number, key, content FROM entries LIMIT 1")) as one:
            one.fetchall()
    except BaseException:
        connection.close()
        raise
    return connection
