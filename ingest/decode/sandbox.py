"""Decoding in processes that may hang or die, at the cost of one item each time.

The library functions of :mod:`ingest.decode` run in a child process with a limit on its address
space, its time and its powers (:mod:`ingest.decode.confinement`). It is a fresh Python, neither a
fork of this process, which has threads, nor one that would import the user's main module anew.
"""

from __future__ import annotations

import logging
import re
from threading import Lock
from typing import TYPE_CHECKING, Any

from ingest.decode.child_process import ChildProcess
from ingest.decode.limits import Limits
from ingest.decode.remote import RemoteDecoder
from ingest.decode.wire import FUNCTIONS, from_wire, to_wire
from schemas import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from ingest.decode.wire import Buffer

TIMEOUT_SECONDS = 60.0
"""For one item: the slowest file within the default limits, 48 MB of HTML tags, took 39 s on a busy
core."""

ALLOWANCE_BYTES = 3 << 30
"""Address space for one item: half as much again as the hungriest file within the default limits
takes, that page (docs/decisions/0006-decoding-in-worker-processes.md)."""

SHARED_BYTES = 16 << 20
"""A file on its way in, then its pixels on their way out: five images of 1024x768."""

_MAX_CALLS = 10_000
"""Then a child is replaced, so that memory which a library loses does not add up."""

_LOGGER_NAME = re.compile(r"[\w.]{1,100}")
_RAISED = (
    *(errors.UnreadableSource, errors.DecodeError, errors.SourceTooLarge),
    *(errors.UnsupportedFormat, errors.SettingsError, errors.ModelUnavailable),
)
_RAISED_BY_NAME = {one.__name__: one for one in _RAISED}
"""What a decoder may raise. An error of the store, say, would make the run stop or try again."""


def to_allowance_bytes(limits: Limits) -> int:
    """Address space for the largest file within the limits.

    Returns:
        :data:`ALLOWANCE_BYTES` for the default limits and below; in proportion to pixels and bytes
        where more of them are allowed.
    """
    default = Limits()
    growth = max(
        1.0,
        limits.max_image_pixels / default.max_image_pixels,
        limits.max_source_bytes / default.max_source_bytes,
    )
    return int(ALLOWANCE_BYTES * growth)


class Sandbox(RemoteDecoder):
    """One child process that decodes; started by the first call, and again after it has died.

    Calls from several threads wait for each other; use a
    :class:`~ingest.decode.sandbox_pool.SandboxPool` for those.

    Args:
        timeout_seconds: For one call; the first one also imports the decoder's libraries.
        allowance_bytes: Address space that a call may take beyond what the idle child has mapped.
            Only Linux holds a process to it.
        shared_bytes: Size of the memory through which files and pixels travel; larger ones take
            the slower way over the socket.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        allowance_bytes: int = ALLOWANCE_BYTES,
        shared_bytes: int = SHARED_BYTES,
    ) -> None:
        """Start nothing yet."""
        self._timeout_seconds = timeout_seconds
        self._allowance_bytes = allowance_bytes
        self._shared_bytes = shared_bytes
        self._child: ChildProcess | None = None
        self._calls = 0
        self._lock = Lock()

    def __enter__(self) -> Self:
        """The sandbox itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the child, if one has been started and not been found dead."""
        child = self._child
        return child.pid if child else None

    def call(
        self, function: str, content: bytes, source_uri: str, /, *args: object, **kwargs: object
    ) -> object:
        """Call a decoding function in the child.

        What the function logs at WARNING and above is logged here, by loggers of the same names.

        Args:
            function: One of :data:`ingest.decode.wire.FUNCTIONS`.
            content: The whole file.
            source_uri: What errors call it.
            args: Further arguments: see :func:`ingest.decode.wire.to_wire`.
            kwargs: Likewise.

        Returns:
            What the function returns.

        Raises:
            SourceError: As the function raises it.
            DecoderDied: It took too long, or the child died of it.
            DecoderUnavailable: No child can be started.
            RuntimeError: The sandbox was closed during the call.
            ValueError: There is no such function.
            TypeError: An argument is of a type that does not travel.
        """
        if function not in FUNCTIONS:
            msg = f"no decoding function: {function!r}; there are {', '.join(FUNCTIONS)}"
            raise ValueError(msg)
        buffers: list[Buffer] = []
        request = {
            "function": function,
            "source_uri": source_uri,
            "arguments": to_wire((content, args, tuple(kwargs.items())), buffers),
            "seconds": self._timeout_seconds,
        }
        with self._lock:
            outcome = self._exchange(request, buffers, source_uri)
        if isinstance(outcome, errors.DiptychError):
            raise outcome
        return outcome

    def close(self) -> None:
        """End the child, in the middle of a call too; the next call starts another."""
        child, self._child = self._child, None
        if child:
            child.kill()

    def _exchange(
        self, request: dict[str, object], buffers: Sequence[Buffer], source_uri: str
    ) -> object:
        """Ask the child: what it returns, or the error that it or its end amounts to."""
        child = self._ensure_child()
        try:
            answer, results = child.ask(request, buffers, self._timeout_seconds)
            return _to_outcome(answer, results, source_uri)
        except Exception as error:
            if self._child is not child:
                msg = "the sandbox was closed during a call"
                raise RuntimeError(msg) from error
            reason = self._describe(error, child)
            self.close()
        except BaseException:  # an interrupt: the answer would be taken for the next one's
            self.close()
            raise
        return errors.DecoderDied(
            source_uri, f"{reason}; the file is damaged or hostile: restore or remove it"
        )

    def _describe(self, error: Exception, child: ChildProcess) -> str:
        """Why there is no answer, or none that can be used."""
        if isinstance(error, TimeoutError):
            return f"decoding took more than {self._timeout_seconds:g} s"
        if isinstance(error, EOFError | OSError):
            return f"the decoder died ({child.describe_end()})"
        return f"the decoder gave no sound answer ({type(error).__name__})"

    def _ensure_child(self) -> ChildProcess:
        """The child, replaced when it died while nobody asked it, or has worked long enough."""
        if self._child and (self._calls >= _MAX_CALLS or not self._child.is_alive()):
            self.close()
        if self._child is None:
            self._child = ChildProcess(
                allowance_bytes=self._allowance_bytes, shared_bytes=self._shared_bytes
            )
            self._calls = 0
        self._calls += 1
        return self._child


def _to_outcome(answer: Mapping[str, Any], results: Sequence[Buffer], source_uri: str) -> object:
    """Log what the child logged; its result, or its error."""
    for name, level, message in answer["records"]:
        if _LOGGER_NAME.fullmatch(name):
            logging.getLogger(name).log(level, "%s", message)
    if "error" not in answer:
        return from_wire(answer["result"], results)
    kind, *arguments = map(str, answer["error"])
    error = _RAISED_BY_NAME[kind]
    if issubclass(error, errors.SourceError):
        return error(source_uri, arguments[-1])
    return error(*arguments)
