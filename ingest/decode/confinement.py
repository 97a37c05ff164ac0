"""What a process gives up before it looks at bytes that nobody vouches for.

On Linux all of it holds; elsewhere what the system knows: macOS has no limit on address space.
It is no jail: the process may still read what its user may read.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

_MAX_FILES = 64
"""Open at once: more than libraries need while they are imported."""

_MAX_FILE_BYTES = 256 << 20
"""Of a temporary file; the model that tells languages apart is unpacked into one of 65 MiB."""

_FIRST_VICTIM = "1000"
"""The highest oom_score_adj (proc_pid_oom_score_adj(5)): when memory runs out, Linux kills this
process, which costs an item, and not the one with the model in it."""

_PR_SET_NO_NEW_PRIVS = 38
"""linux/prctl.h."""

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""System calls of Landlock, the same numbers on every architecture but Alpha."""

_ASK_VERSION = 1
"""LANDLOCK_CREATE_RULESET_VERSION in linux/landlock.h, as are the bits below."""

_EXECUTE_AND_WRITE = 0x1FFF & ~0b1100
"""Version 1: everything done to files but reading a file and listing a folder."""

_LATER_FILE_ACCESS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""Version -> moving between folders, truncating, ioctl on devices."""

_BIND_AND_CONNECT = 0b11
"""Version 4: TCP."""

_SOCKETS_AND_SIGNALS = 0b11
"""Version 6: abstract Unix sockets of, and signals to, processes outside."""


def withdraw(lifeline: int) -> None:
    """Keep no more powers than reading files; die with the parent; leave signals to it.

    Args:
        lifeline: Reading end of a pipe that the parent never writes to: when the parent is gone,
            Linux kills this process even in the middle of a long call. (PR_SET_PDEATHSIG would kill
            it when the *thread* that started it ends.)
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends an item when the parent is gone
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # what the starting thread held back
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError):  # no /proc in some containers
            Path("/proc/self/oom_score_adj").write_text(_FIRST_VICTIM, encoding="ascii")
        with suppress(OSError):  # nor such signals
            _tie(lifeline)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _landlock(libc)


def keep_temporary_files_in_memory() -> None:
    """Let ``tempfile.TemporaryFile`` go on working for libraries, with no right to any folder."""
    if hasattr(os, "memfd_create"):
        setattr(tempfile, "TemporaryFile", _open_memory)  # noqa: B010 - mypy knows it as a function


def _open_memory(mode: str = "w+b", buffering: int = -1, **_: object) -> IO[Any]:
    return os.fdopen(os.memfd_create("temporary", os.MFD_CLOEXEC), mode, buffering)


def limit_resources(allowance_bytes: int) -> None:
    """Limit memory, open files and the size of written ones, for good.

    Args:
        allowance_bytes: Address space beyond what is mapped now.
    """
    sys.dont_write_bytecode = True  # a file cut off at the limit would be read later
    _limit(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)
    _limit(resource.RLIMIT_NOFILE, _MAX_FILES)
    if sys.platform == "linux":
        with suppress(OSError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + allowance_bytes)


def _limit(kind: int, most: int) -> None:
    """Soft and hard; a limit that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _tie(lifeline: int) -> None:
    """SIGKILL, in place of SIGIO, when the pipe's other end closes."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)


def _landlock(libc: ctypes.CDLL) -> None:
    """Neither change nor run files, use TCP, trace or signal others: as far as the kernel knows."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:  # an old kernel, or one started without Landlock
        return
    files = _EXECUTE_AND_WRITE
    for since, bit in _LATER_FILE_ACCESS.items():
        files |= bit if version >= since else 0
    network = _BIND_AND_CONNECT if version >= 4 else 0  # noqa: PLR2004 - the table above
    scope = _SOCKETS_AND_SIGNALS if version >= 6 else 0  # noqa: PLR2004
    attributes = (ctypes.c_uint64 * 3)(files, network, scope)
    size = 8 * (1 + bool(network) + bool(scope))
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset >= 0:
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)
