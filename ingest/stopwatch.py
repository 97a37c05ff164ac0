"""Where a run's time goes, summed over threads."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")


class Stopwatch:
    """Adds up seconds by stage; threads may lap at the same time."""

    def __init__(self) -> None:
        """Begin with nothing on the clock."""
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = Lock()

    @contextmanager
    def lap(self, stage: str) -> Iterator[None]:
        """Count the time inside the ``with`` block towards a stage."""
        start = perf_counter()
        try:
            yield
        finally:
            elapsed = perf_counter() - start
            with self._lock:
                self._seconds[stage] += elapsed

    def iterate(self, stage: str, items: Iterable[Item]) -> Iterator[Item]:
        """The items; the time that getting each one takes counts towards a stage."""
        iterator = iter(items)
        while True:
            try:
                with self.lap(stage):
                    item = next(iterator)
            except StopIteration:
                return
            yield item

    def to_seconds(self) -> dict[str, float]:
        """Seconds by stage, in the order in which stages first finished a lap."""
        return {stage: round(seconds, 4) for stage, seconds in self._seconds.items()}
