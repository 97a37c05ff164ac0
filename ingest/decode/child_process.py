"""Starting a decoding process, asking it, and telling how it ended."""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Any
from weakref import finalize

from ingest.decode.connection import Connection, open_shared_memory
from schemas.errors import DecoderUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.decode.wire import Buffer

_START = (
    "import json, sys; options = json.loads(sys.argv[1]); sys.path[:] = options.pop('path'); "
    "from ingest.decode.sandbox_child import main; main(**options)"
)
_START_SECONDS = 60.0
_DEATH_SECONDS = 5.0

_KEPT_VARIABLES = ("DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH", "TZ")
_MEMORY_VARIABLES = {
    # A thread reserves its stack, and malloc 64 MiB for each arena, of the address space; memory
    # that malloc returns to the system has to be cleared anew for the next image.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}

_PIPE_BYTES = 1 << 16
"""What a pipe holds (pipe(7))."""

_MAX_DETAIL_CHARS = 200
_SIGNAL_MEANINGS = {signal.SIGKILL: ", perhaps because memory ran out"}


class ChildProcess:
    """A fresh Python that runs :mod:`ingest.decode.sandbox_child`.

    It is not a fork of this process, which has threads, and does not import the main module anew
    as a spawned one would. It gets the module search path, a few variables of the environment, the
    folder ``/``, and no file but those it talks over. It ends when it is killed, when nobody refers
    to this object any more, and with this process.

    Args:
        allowance_bytes: See :class:`ingest.decode.sandbox.Sandbox`.
        shared_bytes: Likewise.

    Raises:
        DecoderUnavailable: It cannot be started, or ends at once.
    """

    def __init__(self, *, allowance_bytes: int, shared_bytes: int) -> None:
        """Start it and wait until it listens."""
        self._resources = ExitStack()
        self._end = finalize(self, self._resources.close)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start(allowance_bytes, shared_bytes)
            self._connection.receive(deadline=monotonic() + _START_SECONDS)
        except (OSError, EOFError, ValueError) as error:
            raise self._to_unavailable(error) from error
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid if self._process else 0

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process is not None and self._process.poll() is None

    def ask(
        self, request: dict[str, object], buffers: Sequence[Buffer], timeout_seconds: float
    ) -> tuple[dict[str, Any], list[memoryview]]:
        """One call and its answer.

        Raises:
            TimeoutError: It took longer.
            EOFError: The process died.
            OSError: Likewise.
            ValueError: It keeps to no rules.
        """
        self._errors.read(_PIPE_BYTES)  # what it has said so far was about other items
        deadline = monotonic() + timeout_seconds
        self._connection.send(request, buffers, deadline=deadline)
        return self._connection.receive(deadline=deadline)

    def describe_end(self) -> str:
        """Of what it died, once its end of the connection is closed; with its last words."""
        if self._process is None:
            return "it was never started"
        try:
            status = self._process.wait(_DEATH_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed the connection"
        words = (
            (self._errors.read(_PIPE_BYTES) or b"")
            .decode("utf-8", "replace")
            .strip()
            .rpartition("\n")[2]
        )
        return ": ".join(filter(None, (_describe_status(status), words[:_MAX_DETAIL_CHARS])))

    def kill(self) -> None:
        """End it at once, if it has not ended; it has nothing to save."""
        self._end()

    def _start(self, allowance_bytes: int, shared_bytes: int) -> None:
        reading, writing = os.pipe()
        self._errors = os.fdopen(reading, "rb", buffering=0)
        self._resources.enter_context(self._errors)
        errors = self._resources.enter_context(os.fdopen(writing, "wb", buffering=0))
        for end in (reading, writing):  # when it is full, the rest is lost: nobody waits
            os.set_blocking(end, False)
        ours, theirs = socket.socketpair()
        self._resources.enter_context(ours)
        with theirs, ExitStack() as handed_over:
            memory = open_shared_memory(shared_bytes)
            handed_over.callback(os.close, memory)
            self._connection = Connection(ours, mmap.mmap(memory, shared_bytes))
            self._resources.callback(self._connection.close)
            options = {
                "path": _to_module_path(),
                "stream": theirs.fileno(),
                "memory": memory,
                "memory_bytes": shared_bytes,
                "allowance_bytes": allowance_bytes,
            }
            self._process = _open_process(options, errors)
            self._resources.callback(_end, self._process)
            errors.close()

    def _to_unavailable(self, error: Exception) -> DecoderUnavailable:
        if isinstance(error, EOFError):
            detail = self.describe_end()
        else:
            detail = str(error) or type(error).__name__
        self.kill()
        return DecoderUnavailable(
            f"no decoding process can be started with {sys.executable!r} ({detail}); check that "
            f"it can import ingest.decode.sandbox_child and that processes and memory are left"
        )


def _open_process(options: dict[str, Any], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    flags = ["-I", "-S", "-X", "utf8", *(["-B"] if sys.dont_write_bytecode else [])]
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, *flags, "-c", _START, json.dumps(options)],
        stdin=subprocess.PIPE,  # the lifeline: nothing is ever written
        stdout=subprocess.DEVNULL,
        stderr=errors,
        cwd="/",
        env=_MEMORY_VARIABLES
        | {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        start_new_session=True,  # the terminal's signals are for this process to act on
        pass_fds=(options["stream"], options["memory"]),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def _to_module_path() -> list[str]:
    """``sys.path`` without what depends on the working folder, and with the home of ``ingest``."""
    home = str(Path(__file__).resolve().parents[2])
    paths = [os.path.abspath(one) for one in sys.path]  # noqa: PTH100 - keeps links, takes ""
    return list(dict.fromkeys([home, *paths]))


def _describe_status(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        number = signal.Signals(-status)
        return f"{number.name}{_SIGNAL_MEANINGS.get(number, '')}"
    return f"signal {-status}"
