"""At most so many at a time; whoever comes then is sent away at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from schemas.errors import ServerBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_SECONDS: Final = 1
"""After which a client that was sent away may come again: a search takes less."""


class Gate:
    """Counts what is under way in one event loop.

    Args:
        most: At a time.
        what: In the plural, for the message.

    Attributes:
        count: How many there are now.
    """

    def __init__(self, most: int, what: str) -> None:
        """Nothing is under way."""
        self._most = most
        self._what = what
        self.count = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            ServerBusy: There is none.
        """
        if self.count >= self._most:
            raise ServerBusy(
                f"{self.count:,} {self._what} are under way, as many as the server takes: come "
                "again in a moment"
            )
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
