"""Two machines that want one lease, and the time that goes by for both.

Import it as ``from tests.ingest.store.two_machines import ...``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingest.store.lease import Clock, Lease
from ingest.store.lease_point import LeasePoint, Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.store.engine import Engine

GENERATION = "photos__g001"
SECONDS = 60.0
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """The time that really is, and what happens as it goes by."""

    seconds: float = 0.0
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        while self.events and self.events[0][0] <= until:
            self.seconds, happen = self.events.pop(0)
            happen()
        self.seconds = until

    def clock(self, wrong_by: timedelta = timedelta(0)) -> Clock:
        return Clock(
            now=lambda: START + wrong_by + timedelta(seconds=self.seconds),
            elapsed=lambda: self.seconds,
            sleep=self.sleep,
        )


def to_lease(engine: Engine, world: World, place: str, wrong_by: timedelta = timedelta(0)) -> Lease:
    return Lease(engine, GENERATION, place=place, seconds=SECONDS, clock=world.clock(wrong_by))


def read(engine: Engine) -> Standing:
    return LeasePoint(engine, GENERATION).read()
