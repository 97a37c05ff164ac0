"""One writing run at a time for a generation on a server, whichever machines the runs are on.

A lease is a point in a small collection of its own. Whoever holds it raises its counter of beats;
a lease whose counter stands still for long enough belongs to a dead run and is taken over under
the next epoch. Every write to the point is conditional on what was read before, so of two runs
that want it one gets it. No clock is compared with another machine's to take a lease away: a wrong
clock costs time. Whoever has not been able to beat for the length of a lease asks before it writes
again, so a run that slept through a takeover does not.

A server older than 1.16 ignores conditions; it is found out and refused.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from ingest.store.collections import LEASES
from ingest.store.lease_point import FREE, LeasePoint, Standing
from ingest.store.patience import Patience, wait_unless_stopped
from schemas.errors import LockHeld, RunStopped, StoreError, StoreRejected, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest.store.engine import Engine

_LOG = logging.getLogger(__name__)

_ATTEMPTS: Final = 3
_BEATS_PER_LEASE: Final = 3
_LOOKS_PER_LEASE: Final = 12
_MAX_SLEEP_SECONDS: Final = 10.0


def _elapsed() -> float:
    """Seconds that only go forward, those that the machine slept included where it says so."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time as one machine sees it.

    Attributes:
        now: The wall clock, which may be wrong.
        elapsed: Seconds since any moment; never goes back.
        sleep: Waits for so many seconds.
    """

    now: Callable[[], datetime] = _now
    elapsed: Callable[[], float] = _elapsed
    sleep: Callable[[float], None] = time.sleep


def _to_clock(stopping: Event | None) -> Clock:
    if stopping is None:
        return Clock()
    return Clock(sleep=lambda left: wait_unless_stopped(stopping, left, "another run to end"))


class Lease:
    """The right to write to one generation, for one run.

    Args:
        engine: The server.
        generation: The collection's own name.
        place: Equal only for runs that share a lock file, which the caller holds.
        seconds: How long a holder may be silent before it is taken for dead.
        clock: The time.
        stopping: Once it is set, another machine's run is watched no longer.
    """

    def __init__(
        self,
        engine: Engine,
        generation: str,
        *,
        place: str,
        seconds: float,
        clock: Clock | None = None,
        stopping: Event | None = None,
    ) -> None:
        """Nothing is asked yet."""
        self._point = LeasePoint(engine, generation)
        self._generation = generation
        self._seconds = seconds
        self._clock = clock or _to_clock(stopping)
        self._patience = Patience(stopping=stopping)
        self._mine = Standing(
            str(uuid4()), place, lease_seconds=seconds, host=socket.gethostname(), pid=os.getpid()
        )
        self._lock = Lock()
        self._turn = Lock()  # or a later beat could be overwritten by an earlier one
        self._is_held = False
        self._heard_at = -math.inf
        self._loss = ""

    @property
    def seconds_between_beats(self) -> float:
        """How often :meth:`beat` is called for."""
        return self._seconds / _BEATS_PER_LEASE

    def take(self) -> None:
        """Take it, if need be over from a run that is dead.

        That of another machine is watched for the length of a lease before it is taken for dead.

        Raises:
            LockHeld: Another run holds it and lives; names it.
            StoreUnavailable: The server did not answer.
            StoreRejected: The server is too old to write on conditions.
            RunStopped: The run is to stop, and nothing was taken.
        """
        self._point.ensure_collection()
        seen = self._point.read()
        if not seen.is_free and seen.place != self._mine.place:
            self._watch(seen)
        for _ in range(_ATTEMPTS):
            now = self._claim(seen)
            if self._is_held:
                self._check_conditions()
                return
            if not now.is_free and now != seen:
                raise LockHeld(self._refusal(now))
            seen = now
        raise StoreUnavailable(f"{self._generation}: its lease cannot be written; try again later")

    def beat(self) -> None:
        """Say that this run lives.

        Raises:
            LockHeld: Another run has taken over.
            StoreUnavailable: The server did not answer.
        """
        with self._turn:
            begun = self._clock.elapsed()
            with self._lock:
                mine = self._mine = self._stamped(self._mine)
            self._point.write(mine, mine)
            standing = self._point.read()
        with self._lock:
            if not standing.is_same_tenure(mine):
                self._loss = self._loss or self._refusal(standing)
            elif standing.beats == mine.beats:  # else a replica that lags behind answered
                self._heard_at = max(self._heard_at, begun)
        self._raise_if_lost()

    def check(self) -> None:
        """Stand before a write; asks the server only after a silence as long as the lease.

        Raises:
            LockHeld: Another run has taken over.
            StoreUnavailable: It may have, and the server did not answer, or not soon enough.
        """
        self._raise_if_lost()
        for _ in range(_ATTEMPTS):
            if self._clock.elapsed() - self._heard_at < self._seconds:
                return
            self.beat()
        if self._clock.elapsed() - self._heard_at >= self._seconds:
            raise StoreUnavailable(
                f"{self._generation}: the server takes longer than lease_seconds to confirm that "
                f"this run may write; run the same command again when it is less busy"
            )

    def release(self) -> None:
        """Let go, if it is ours; a server that does not answer finds out by the silence."""
        with self._lock:
            if not self._is_held:
                return
            self._is_held = False
            self._loss = self._loss or f"{self._generation}: this run has let go of its lease"
            mine = self._mine
        with suppress(StoreError):
            self._point.write(replace(mine, holder=FREE, place=""), mine)

    def _claim(self, seen: Standing) -> Standing:
        """Try to follow a standing; gives what stands there afterwards."""
        begun = self._clock.elapsed()
        mine = self._stamped(replace(self._mine, epoch=seen.epoch + 1, beats=seen.beats))
        with suppress(StoreUnavailable):  # the answer may have got lost: what stands there tells
            self._point.write(mine, seen, exactly=True)
        now = self._point.read()
        if now.is_same_tenure(mine):
            with self._lock:
                self._mine, self._heard_at, self._is_held = mine, begun, True
            if not seen.is_free:
                _LOG.warning("%s: took over from %s, which is dead", self._generation, seen)
        return now

    def _check_conditions(self) -> None:
        """Write on a condition that does not hold, and see that nothing comes of it.

        Raises:
            StoreRejected: It was written all the same.
        """
        stranger = replace(self._mine, holder=str(uuid4()))
        retrying = self._patience.to_retrying(self._patience.to_deadline())
        retrying(self._point.write, replace(self._mine, holder=FREE), stranger)
        if self._point.read().is_free:
            raise StoreRejected(
                "the server ignores the condition of a write, so runs on several machines cannot "
                "be kept apart: use Qdrant 1.16 or newer"
            )

    def _watch(self, seen: Standing) -> None:
        """See another machine's run not beat for the length of a lease.

        Raises:
            LockHeld: It lives, or its clock and ours agree that it may.
            RunStopped: The run is to stop.
        """
        patience = self._seconds
        if 0 < seen.lease_seconds < math.inf:
            patience = max(patience, seen.lease_seconds)
        if 0 <= seen.age_seconds(self._clock.now()) <= patience:
            raise LockHeld(self._refusal(seen))
        _LOG.warning(
            "%s: %s may be dead; it is watched for %.0f s", self._generation, seen, patience
        )
        begun = self._clock.elapsed()
        while (left := begun + patience - self._clock.elapsed()) > 0:
            self._clock.sleep(min(left, patience / _LOOKS_PER_LEASE, _MAX_SLEEP_SECONDS))
            now = self._point.read()
            if now.is_free:
                return  # a claim on what was seen fails, and is tried again on this
            if not now.is_same_tenure(seen) or now.beats != seen.beats:
                raise LockHeld(self._refusal(now))

    def _stamped(self, standing: Standing) -> Standing:
        return replace(
            standing,
            beats=standing.beats + 1,
            beat_at=self._clock.now().isoformat(timespec="seconds"),
        )

    def _raise_if_lost(self) -> None:
        with self._lock:
            loss = self._loss
        if loss:
            raise LockHeld(loss)

    def _refusal(self, standing: Standing) -> str:
        if standing.is_free:
            return (
                f"{self._generation}: the lease of this run is gone (its collection {LEASES!r} was "
                f"changed); run the same command again"
            )
        return (
            f"{self._generation}: {standing} is writing to it, and one run at a time "
            f"may; wait for it to end and run the same command again"
        )


@contextmanager
def hold(lease: Lease) -> Iterator[Lease]:
    """Hold a lease for the length of a block: a thread beats, and the end releases it.

    Raises:
        LockHeld: Another run holds it.
        StoreError: See :meth:`Lease.take`.
    """
    ended = Event()
    thread = Thread(target=_keep_beating, args=(lease, ended), name="lease", daemon=True)
    try:
        lease.take()
        thread.start()
        yield lease
    finally:
        ended.set()
        lease.release()
        if thread.ident is not None:
            thread.join(lease.seconds_between_beats)


def _keep_beating(lease: Lease, ended: Event) -> None:
    while not ended.wait(lease.seconds_between_beats):
        try:
            lease.beat()
        except LockHeld:
            return  # the next check says so
        except (StoreError, RunStopped) as error:  # an outage; check() minds how long it lasts
            _LOG.warning("a lease could not be renewed: %s", error)
