"""For how long a request to the store is repeated, and with what waits.

Only ``StoreUnavailable`` is retried, after a random wait that doubles its bound with every attempt
("full jitter", M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015) and never
before the moment the server asked for. Attempts and time are bounded; what the store refuses fails
at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import tenacity

from schemas.errors import RunStopped, StoreTimeout, StoreUnavailable

if TYPE_CHECKING:
    from threading import Event

_LAST_TRIES: Final = 3
_LAST_WAIT_SECONDS: Final = 0.2
_SLOW_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is tried.

    Attributes:
        attempts: Requests at most, the first included.
        total_seconds: No wait begins that would end later than this after the first try.
        first_wait_seconds: Upper bound of the random wait after the first failure.
        max_wait_seconds: Where the doubling of that bound ends.
        stopping: Ends it once it is set, after a few quick tries, so that the batch under way gets
            through where the server is merely busy.
    """

    attempts: int = 12
    total_seconds: float = 300.0
    first_wait_seconds: float = 0.5
    max_wait_seconds: float = 30.0
    stopping: Event | None = field(default=None, kw_only=True)

    def to_deadline(self) -> float:
        """When it ends if the first try is now, on the monotonic clock."""
        return time.monotonic() + self.total_seconds

    def to_retrying(
        self, deadline: float, *, is_split_on_timeout: bool = False
    ) -> tenacity.Retrying:
        """What calls a function until it succeeds or patience ends; for one thread.

        It raises ``RunStopped`` where ``stopping`` was set meanwhile.

        Args:
            deadline: Of :meth:`to_deadline`; one may hold for several requests.
            is_split_on_timeout: Whether a timeout is the caller's to answer.
        """
        backoff = tenacity.wait_random_exponential(
            multiplier=self.first_wait_seconds, max=self.max_wait_seconds
        )

        def is_worth_repeating(error: BaseException) -> bool:
            is_split = is_split_on_timeout and isinstance(error, StoreTimeout)
            return isinstance(error, StoreUnavailable) and not is_split

        def is_over(state: tenacity.RetryCallState) -> bool:
            is_too_late = time.monotonic() + state.upcoming_sleep > deadline
            return state.attempt_number >= self.attempts or is_too_late

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_worth_repeating),
            wait=lambda state: _asked_wait(state) + backoff(state),
            stop=is_over,
            sleep=time.sleep if self.stopping is None else _Sleep(self.stopping),
            reraise=True,
        )


def wait_unless_stopped(stopping: Event, seconds: float, what: str) -> None:
    """Wait for so long.

    Args:
        stopping: Ends it.
        seconds: How long.
        what: Is waited for, in words.

    Raises:
        RunStopped: ``stopping`` was or is set.
    """
    if stopping.wait(seconds):
        raise RunStopped(
            f"told to stop while waiting for {what}; run the same command again to go on"
        )


class _Sleep:
    """The waits of one request.

    Args:
        stopping: Cuts them short.
    """

    def __init__(self, stopping: Event) -> None:
        self._stopping = stopping
        self._tries_left = _LAST_TRIES
        self._tried_at = time.monotonic()

    def __call__(self, seconds: float) -> None:
        """Wait.

        Raises:
            RunStopped: It is to stop, and the last tries have failed, or one took long.
        """
        is_slow = time.monotonic() - self._tried_at > _SLOW_SECONDS
        if self._stopping.wait(seconds):
            if is_slow or not self._tries_left:
                wait_unless_stopped(self._stopping, 0, "the server")
            self._tries_left -= 1
            time.sleep(min(seconds, _LAST_WAIT_SECONDS))
        self._tried_at = time.monotonic()


def _asked_wait(state: tenacity.RetryCallState) -> float:
    """What the store asked to wait, in seconds."""
    error = state.outcome.exception() if state.outcome else None
    return (isinstance(error, StoreUnavailable) and error.retry_after_seconds) or 0.0
