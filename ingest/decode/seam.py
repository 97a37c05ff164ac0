"""Where what the decoding libraries raise and warn becomes what Diptych says."""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas.errors import DecodeError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DETAIL_CHARS = 200


@contextmanager
def translated_errors(source_uri: str, problem: str, advice: str) -> Iterator[None]:
    """Turn every exception of a library into one ``DecodeError``.

    On hostile bytes Pillow alone raises eight types, ``SyntaxError``, ``struct.error`` and
    ``OverflowError`` among them, so no list of types would be whole.

    Args:
        source_uri: The item.
        problem: What is wrong with it then.
        advice: What to do about it.

    Raises:
        DecodeError: Anything else than a ``SourceError`` was raised inside.
    """
    try:
        yield
    except SourceError:
        raise
    except MemoryError as error:
        reason = f"decoding it takes more memory than there is; {advice}, or make it smaller"
        raise DecodeError(source_uri, reason) from error
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARS]
        raise DecodeError(source_uri, f"{problem} ({detail}); {advice}") from error


class _PillowWarnings:
    """Silences Pillow's warnings while at least one thread decodes.

    ``warnings.catch_warnings`` restores process-wide state on exit, so overlapping uses in
    several threads would leave the filters of the one that entered last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._context: warnings.catch_warnings[None] | None = None

    @contextmanager
    def silenced(self) -> Iterator[None]:
        if getattr(sys.flags, "context_aware_warnings", False):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module=r"PIL\.")
                yield
            return
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._context = warnings.catch_warnings()
                self._context.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._context is not None:
                self._context.__exit__(None, None, None)
                self._context = None


silenced_pillow = _PillowWarnings().silenced
"""Context in which Pillow warns nobody: what matters is an error or is mended by the policy."""
