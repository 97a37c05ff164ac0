"""A bounded queue between two stages that both ends can close."""

from __future__ import annotations

from collections import deque
from threading import Condition, Lock
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = TypeVar("Item")


class ChannelAborted(Exception):
    """The run failed elsewhere, or takes nothing more; whoever uses the channel ends its work."""


class Channel(Generic[Item]):
    """Hands items from producers to consumers, never holding more than its capacity.

    A full channel makes its producers wait, which is all there is to back-pressure. It ends when
    every producer is done, and breaks off at once when it is aborted.

    Args:
        capacity: Items that may wait in it.
        producers: How many producers will say that they are done.
    """

    def __init__(self, capacity: int, producers: int) -> None:
        """Open, and empty."""
        self._capacity = capacity
        self._producers = producers
        self._items: deque[Item] = deque()
        lock = Lock()
        self._has_room = Condition(lock)
        self._has_items = Condition(lock)
        self._aborted = False
        self._closed = False

    def put(self, item: Item) -> None:
        """Add an item, as soon as there is room.

        Raises:
            ChannelAborted: The run failed, or the channel was closed.
        """
        with self._has_room:
            while len(self._items) >= self._capacity and not (self._aborted or self._closed):
                self._has_room.wait()
            if self._aborted or self._closed:
                raise ChannelAborted
            self._items.append(item)
            self._has_items.notify()

    def get(self, timeout_seconds: float | None = None) -> Item | None:
        """The next item; None when there is none and never will be, or the time is up.

        Raises:
            ChannelAborted: The run failed.
        """
        deadline = None if timeout_seconds is None else monotonic() + timeout_seconds
        with self._has_items:
            while not self._items and self._producers and not self._aborted:
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    break
                self._has_items.wait(left)
            if self._aborted:
                raise ChannelAborted
            if not self._items:
                return None
            self._has_room.notify()
            return self._items.popleft()

    def __iter__(self) -> Iterator[Item]:
        """Items until every producer is done.

        Raises:
            ChannelAborted: The run failed.
        """
        while (item := self.get()) is not None:
            yield item

    @property
    def is_finished(self) -> bool:
        """Whether every producer is done and nothing is left."""
        with self._has_items:
            return not self._producers and not self._items

    def finish(self) -> None:
        """One producer is done."""
        with self._has_items:
            self._producers -= not self._closed
            self._has_items.notify_all()

    def close(self) -> bool:
        """Take nothing more: what waits is still handed out, and who puts more ends its work.

        Returns:
            Whether a producer was not done yet.
        """
        with self._has_items:
            was_open = self._producers > 0
            self._producers, self._closed = 0, True
            self._has_items.notify_all()
            self._has_room.notify_all()
            return was_open

    def abort(self) -> None:
        """Wake everyone who waits, to end."""
        with self._has_items:
            self._aborted = True
            self._items.clear()
            self._has_items.notify_all()
            self._has_room.notify_all()


class ByteBudget:
    """Bounds the bytes that are read and not yet decoded, however large single items are.

    Args:
        max_bytes: At most this much is held, or one item if it alone is larger.
    """

    def __init__(self, max_bytes: int) -> None:
        """Nothing is held."""
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._changed = Condition()
        self._aborted = False

    def take(self, size_bytes: int) -> None:
        """Hold so many bytes, as soon as there is room.

        Raises:
            ChannelAborted: The run failed.
        """
        with self._changed:
            while self._held_bytes and self._held_bytes + size_bytes > self._max_bytes:
                if self._aborted:
                    break
                self._changed.wait()
            if self._aborted:
                raise ChannelAborted
            self._held_bytes += size_bytes

    def give(self, size_bytes: int) -> None:
        """Let go of so many bytes."""
        with self._changed:
            self._held_bytes -= size_bytes
            self._changed.notify_all()

    def abort(self) -> None:
        """Wake everyone who waits, to end."""
        with self._changed:
            self._aborted = True
            self._changed.notify_all()
