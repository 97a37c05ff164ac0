"""The ledger's file: opened, checked, set aside when it is damaged."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = 2
"""Version of the tables below; a ledger of another one is set aside, as it can be made anew."""

_TABLES = """
CREATE TABLE items (
    uri TEXT PRIMARY KEY, root TEXT NOT NULL, stamp TEXT, versions TEXT NOT NULL,
    points INTEGER NOT NULL, chunk_count INTEGER NOT NULL, last_ordinal INTEGER NOT NULL,
    location TEXT NOT NULL, listing BLOB NOT NULL, media_type TEXT NOT NULL, title TEXT
) WITHOUT ROWID;
CREATE INDEX items_by_root ON items (root);
CREATE TABLE intents (
    uri TEXT PRIMARY KEY, attempts INTEGER NOT NULL, is_open INTEGER NOT NULL,
    passed_over INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE failures (
    uri TEXT PRIMARY KEY, stamp TEXT, location TEXT NOT NULL, kind TEXT NOT NULL,
    message TEXT NOT NULL, attempts INTEGER NOT NULL, content_hash TEXT NOT NULL,
    fingerprint TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE roots (
    root TEXT PRIMARY KEY, token TEXT, context TEXT, mount_point TEXT, finished_at TEXT
) WITHOUT ROWID;
CREATE TABLE runs (run_id TEXT PRIMARY KEY, started_at TEXT NOT NULL, report TEXT NOT NULL);
"""


class LedgerDamaged(StoreError):
    """The file is no ledger any more; it can be set aside and made anew."""


def open_database(path: Path) -> sqlite3.Connection:
    """The ledger's database, with its tables.

    A file that is damaged, or of another format, is renamed to ``NAME.damaged-TIME`` first.

    Raises:
        StoreError: It can be neither opened nor made.
    """
    try:
        return _open(path)
    except LedgerDamaged:
        set_aside(path)
        return _open(path)


def open_existing(path: Path) -> sqlite3.Connection:
    """The database of a ledger that is there, for reading alone.

    Raises:
        LedgerDamaged: It is no ledger, or one of another format; it is left as it is.
        StoreError: It is not there, or cannot be opened.
    """
    with translated(path):
        place = f"{path.absolute().as_uri()}?mode=ro"
        database = sqlite3.connect(place, uri=True, isolation_level=None)
        try:
            _check_format(database)
        except BaseException:
            database.close()
            raise
    return database


def _check_format(database: sqlite3.Connection) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise sqlite3.DatabaseError(f"format {version}, not {FORMAT}")


def set_aside(path: Path) -> Path:
    """Rename a damaged ledger, its journal with it.

    Returns:
        What it is called now.

    Raises:
        StoreError: It cannot be renamed.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.damaged-{moment}")
    try:
        path.replace(aside)
    except OSError as error:
        raise StoreError(
            f"the ledger {path} is damaged and cannot be renamed ({error.strerror}); remove it: "
            "it is made anew from the collection"
        ) from error
    for suffix in ("-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    return aside


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as Diptych's.

    Raises:
        LedgerDamaged: The file is malformed.
        StoreError: The disk is full, read-only or failing.
    """
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.InterfaceError, OSError) as error:
        if "malformed" in str(error):
            raise LedgerDamaged(f"the ledger {path} is damaged ({error})") from error
        raise StoreError(
            f"the ledger {path} cannot be read or written ({error}); make room or mend the disk, "
            "or name another folder with state_dir: nothing is lost"
        ) from error
    except sqlite3.DatabaseError as error:
        raise LedgerDamaged(f"the ledger {path} is damaged ({error})") from error


def _open(path: Path) -> sqlite3.Connection:
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            _prepare(database)
        except BaseException:
            database.close()
            raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == FORMAT and tables:
        return
    if version or tables:
        raise sqlite3.DatabaseError(f"format {version}, not {FORMAT}")
    database.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={FORMAT}; COMMIT;")
