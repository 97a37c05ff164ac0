"""The ledger: what a collection holds of each item, and with which stamp it was last seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from ingest.ledger.database import open_database, open_existing, translated
from ingest.ledger.rows import (
    COLUMNS,
    FAILURE_COLUMNS,
    INSERT_FAILURE,
    INSERT_ITEM,
    Deaths,
    Settled,
    from_failure,
    from_row,
    is_set_aside,
    to_failure,
    to_row,
)
from ingest.plan import Known
from ingest.sources.uris import to_root

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from schemas.report import Failure

RUNS_KEPT = 100
"""Reports of the newest runs that are kept."""


class RootState(NamedTuple):
    """What the ledger knows of a root as a whole.

    Attributes:
        token: The collection's, when the ledger last agreed with it on this root.
        context: Digest of where the root was and how its items were encoded.
        mount_point: Where the file system that it lay on was mounted.
        finished_at: When it was last gone through to its end, ISO 8601.
    """

    token: str | None = None
    context: str | None = None
    mount_point: str | None = None
    finished_at: str | None = None


class Ledger(Mapping[str, Known]):
    """A mapping from source URI to what the collection holds of that item.

    Safe to use from several threads. Every change is on the disk when its method returns
    (SQLite's WAL with ``synchronous=FULL``). Methods raise ``StoreError`` when the disk fails and
    ``LedgerDamaged`` when the file turns out to be no ledger.

    Args:
        path: Its file, on a local disk; made when missing, set aside when damaged.
        reads_only: Whether it is only looked at: then it must be there and be whole.

    Attributes:
        path: Likewise.
    """

    def __init__(self, path: Path, *, reads_only: bool = False) -> None:
        """Open or make it."""
        self.path = path
        self._lock = RLock()
        self._database = (open_existing if reads_only else open_database)(path)

    def __getitem__(self, uri: str) -> Known:
        """What the collection holds of an item."""
        rows = self._read(f"SELECT {COLUMNS} FROM items WHERE uri=?", uri)
        if not rows:
            raise KeyError(uri)
        return from_row(rows[0])

    def __iter__(self) -> Iterator[str]:
        """The URIs of all items, sorted."""
        return iter([row[0] for row in self._read("SELECT uri FROM items ORDER BY uri")])

    def __len__(self) -> int:
        """How many items it knows."""
        return int(self._read("SELECT count(*) FROM items")[0][0])

    def read_stamps(self, prefix: str) -> dict[str, str | None]:
        """Stamp of each indexed item whose URI begins so."""
        statement = "SELECT uri, stamp FROM items WHERE uri>=? AND uri<?"
        with self._lock, translated(self.path):
            return dict(self._database.execute(statement, _to(prefix)))

    def find_first(self, prefix: str) -> str | None:
        """An indexed item whose URI begins so, if there is one."""
        rows = self._read("SELECT min(uri) FROM items WHERE uri>=? AND uri<?", *_to(prefix))
        return None if rows[0][0] is None else str(rows[0][0])

    def has_others(self, root: str, prefix: str) -> bool:
        """Whether items of a root's name have URIs that begin otherwise."""
        statement = "SELECT 1 FROM items WHERE root=? AND NOT (uri>=? AND uri<?) LIMIT 1"
        return bool(self._read(statement, root, *_to(prefix)))

    def read_failed(self, prefix: str) -> dict[str, tuple[str | None, Failure]]:
        """``(stamp, failure)`` of each item that failed, by URI."""
        rows = self._read(
            f"SELECT stamp, {FAILURE_COLUMNS} FROM failures WHERE uri>=? AND uri<?",
            *_to(prefix),
        )
        return {row[1]: (row[0], to_failure(row[1:])) for row in rows}

    def read_deaths(self, prefix: str) -> dict[str, Deaths]:
        """The items with which the process died, of those whose URIs begin so."""
        rows = self._read(
            "SELECT uri, attempts, passed_over FROM intents "
            "WHERE attempts > 0 AND uri>=? AND uri<?",
            *_to(prefix),
        )
        return {uri: Deaths(times, passed_over) for uri, times, passed_over in rows}

    def count_points(self, root: str) -> int:
        """How many points the collection holds of a root's name."""
        rows = self._read("SELECT coalesce(sum(points), 0) FROM items WHERE root=?", root)
        return int(rows[0][0])

    def count_items(self, root: str) -> int:
        """How many items of a root's name are indexed."""
        return int(self._read("SELECT count(*) FROM items WHERE root=?", root)[0][0])

    def count_all_points(self) -> int:
        """How many points the collection holds in all."""
        return int(self._read("SELECT coalesce(sum(points), 0) FROM items")[0][0])

    def read_root(self, root: str) -> RootState:
        """What it knows of a root as a whole."""
        columns = ", ".join(RootState._fields)
        rows = self._read(f"SELECT {columns} FROM roots WHERE root=?", root)
        return RootState(*rows[0]) if rows else RootState()

    def read_runs(self, limit: int = 1) -> list[str]:
        """The reports of the newest runs as JSON, newest first, whatever the clock said."""
        rows = self._read("SELECT report FROM runs ORDER BY rowid DESC LIMIT ?", limit)
        return [str(row[0]) for row in rows]

    def rebuild(self, root: str, found: Mapping[str, Known]) -> None:
        """Believe the collection: what was found there of a root replaces what was known.

        Stamps stay where an item's points are the ones that were known.
        """
        with self._changing() as database:
            rows = database.execute(
                f"SELECT uri, stamp, {COLUMNS} FROM items WHERE root=?",
                (root,),
            ).fetchall()
            stamps = {row[0]: row[1] for row in rows if found.get(row[0]) == from_row(row[2:])}
            database.execute("DELETE FROM items WHERE root=?", (root,))
            database.executemany(
                INSERT_ITEM,
                ((uri, root, stamps.get(uri), *to_row(known)) for uri, known in found.items()),
            )

    def intend(self, uris: Iterable[str]) -> None:
        """Items are about to be encoded; if the process dies, it died with them."""
        with self._changing() as database:
            database.executemany(
                "INSERT INTO intents VALUES (?, 0, 1, 0) ON CONFLICT DO UPDATE SET is_open=1",
                ((uri,) for uri in uris),
            )

    def blame(self) -> int:
        """Count an attempt against all that was under way when the process died; gives how many."""
        with self._changing() as database:
            return database.execute(
                "UPDATE intents SET attempts=attempts+1, is_open=0, passed_over=0 WHERE is_open=1"
            ).rowcount

    def withdraw(self) -> None:
        """The run ends in order: nothing is under way any more, and nobody is to blame."""
        with self._changing() as database:
            database.execute("UPDATE intents SET is_open=0")
            database.execute("DELETE FROM intents WHERE attempts=0")

    def settle(self, root: str, settled: Sequence[Settled]) -> None:
        """Make outcomes final, in one transaction.

        Items that are set aside are passed over once more; of all others it is forgotten that the
        process died with them.
        """
        gone = [(one.uri,) for one in settled]
        aside = [(one.uri,) for one in settled if one.failure and is_set_aside(one.failure)]
        indexed = [(one.uri, root, one.stamp, *to_row(one.known)) for one in settled if one.known]
        seen = [(one.stamp, one.uri) for one in settled if not one.known and not one.failure]
        failed = [(one.stamp, *from_failure(one.failure)) for one in settled if one.failure]
        with self._changing() as database:
            database.executemany("DELETE FROM intents WHERE uri=?", set(gone) - set(aside))
            database.executemany("UPDATE intents SET passed_over=passed_over+1 WHERE uri=?", aside)
            database.executemany("DELETE FROM failures WHERE uri=?", gone)
            database.executemany(INSERT_ITEM, indexed)
            database.executemany("UPDATE items SET stamp=? WHERE uri=?", seen)
            database.executemany(INSERT_FAILURE, failed)

    def forget(self, uris: Collection[str]) -> None:
        """Items are gone from the collection."""
        with self._changing() as database:
            for table in ("items", "failures", "intents"):
                statement = f"DELETE FROM {table} WHERE uri=?"
                database.executemany(statement, ((uri,) for uri in uris))

    def forget_failures(self, uris: Collection[str]) -> None:
        """Items that failed are not listed any more, or indexed."""
        with self._changing() as database:
            for table in ("failures", "intents"):
                statement = f"DELETE FROM {table} WHERE uri=?"
                database.executemany(statement, ((uri,) for uri in uris))

    def forget_root(self, root: str) -> None:
        """Nothing is known of a root any more, nor of any of its items."""
        with self._changing() as database:
            for table in ("failures", "intents"):
                uris = [row[0] for row in database.execute(f"SELECT uri FROM {table}")]
                own = ((uri,) for uri in uris if to_root(uri) == root)
                database.executemany(f"DELETE FROM {table} WHERE uri=?", own)
            for table in ("items", "roots"):
                database.execute(f"DELETE FROM {table} WHERE root=?", (root,))

    def forget_context(self, root: str) -> None:
        """The root's stamps are not to be believed until it has been gone through wholly."""
        with self._changing() as database:
            database.execute("UPDATE roots SET context=NULL WHERE root=?", (root,))

    def distrust(self, root: str) -> None:
        """The ledger does not agree with the collection on this root."""
        with self._changing() as database:
            database.execute("UPDATE roots SET token=NULL WHERE root=?", (root,))

    def seal(self, token: str, roots: Mapping[str, RootState]) -> None:
        """Agree with the collection, whose token this is, on these roots from here on."""
        with self._changing() as database:
            database.executemany(
                "INSERT OR REPLACE INTO roots VALUES (?, ?, ?, ?, ?)",
                ((name, token, *state[1:]) for name, state in roots.items()),
            )

    def read_roots(self) -> dict[str, RootState]:
        """What it knows of every root."""
        rows = self._read(f"SELECT root, {', '.join(RootState._fields)} FROM roots")
        return {row[0]: RootState(*row[1:]) for row in rows}

    def keep_roots(self, names: Collection[str]) -> None:
        """Roots of other names are gone from the collection."""
        marks = ", ".join("?" * len(names))
        with self._changing() as database:
            for table in ("items", "roots"):
                statement = f"DELETE FROM {table} WHERE root NOT IN ({marks})"
                database.execute(statement, tuple(names))

    def add_run(self, run_id: str, report: str) -> None:
        """Keep a run's report, and those of the newest runs before it."""
        now = datetime.now(UTC).isoformat()
        with self._changing() as database:
            database.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", (run_id, now, report))
            database.execute(
                "DELETE FROM runs WHERE run_id NOT IN "
                "(SELECT run_id FROM runs ORDER BY rowid DESC LIMIT ?)",
                (RUNS_KEPT,),
            )

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        with self._lock, translated(self.path):
            self._database.close()

    def _read(self, statement: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock, translated(self.path):
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with self._lock, translated(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise


def _to(prefix: str) -> tuple[str, str]:
    """The range of all URIs with a prefix; URIs are ASCII."""
    return prefix, prefix + "\x7f"
