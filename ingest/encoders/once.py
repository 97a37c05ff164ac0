"""What is made at its first use, once, whichever thread comes first."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Part = TypeVar("_Part")


class Once(Generic[_Part]):
    """Makes its value at the first call.

    Args:
        make: Called once, unless it raises.
    """

    def __init__(self, make: Callable[[], _Part]) -> None:
        """Make nothing."""
        self._make = make
        self._lock = Lock()
        self._made: list[_Part] = []

    def __call__(self) -> _Part:
        """The value."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
        return self._made[0]
