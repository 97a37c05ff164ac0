"""What goes wrong with which request."""

from __future__ import annotations

import random
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Fault(StrEnum):
    """How a request goes wrong. Only after ``LOST`` has it been applied."""

    BUSY = "429"
    UNAVAILABLE = "503"
    BROKEN = "500"
    RESET = "reset"
    HANG = "hang"
    REFUSED = "refused"
    LOST = "lost"


def is_write(method: str, path: str) -> bool:
    """Whether a request changes anything, by its address alone."""
    reads = ("/points", "/query", "/batch", "/groups", "/scroll", "/count")
    return method != "GET" and not (method == "POST" and path.endswith(reads))


@dataclass
class FaultPlan:
    """The faults of a server; an empty plan has none.

    Attributes:
        rates: Probability of each kind, for a request that ``concerns`` picks; 1 in all at most.
        seed: Of the draws. Requests of several threads draw in the order they arrive.
        script: What becomes of the next requests that ``concerns`` picks, None for nothing; the
            rates hold when it is used up.
        concerns: Given method and path, whether a request may go wrong.
        retry_after: Header of a 429, in seconds.
        refused_seconds: How long connections are refused.
        hang_seconds: How long a request is left without an answer, if its server lives on.
        injected: How often each kind came to pass.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    seed: int = 0
    script: deque[Fault | None] = field(default_factory=deque)
    concerns: Callable[[str, str], bool] = lambda _method, _path: True
    retry_after: str | None = "0"
    refused_seconds: float = 0.2
    hang_seconds: float = 30.0
    injected: Counter[Fault] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - no secret
        self._turn = threading.Lock()

    def draw(self, method: str, path: str) -> Fault | None:
        """The fault of one request, counted."""
        with self._turn:
            if not self.concerns(method, path):
                return None
            fault = self.script.popleft() if self.script else self._draw()
            if fault is not None:
                self.injected[fault] += 1
            return fault

    def _draw(self) -> Fault | None:
        drawn = self._random.random()
        for fault, rate in self.rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return None
