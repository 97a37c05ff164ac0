"""A synchronisation on a machine whose clock is wrong, and may be set while it runs.

``python -m tests.clock_child BASE``: as :mod:`tests.sync_child`, with report and metrics written to
``BASE/last.json`` and ``BASE/d.prom``. Every look at the clock is off by the seconds that the file
``BASE/clock`` holds at that moment. Clocks that nobody sets (monotonic, boot time) are right, as
they are on a real machine.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import Any

BASE = Path(sys.argv[1])
_right_ns = time.time_ns
_right_datetime = dt.datetime


def _time_ns() -> int:
    return _right_ns() + int((BASE / "clock").read_text("ascii")) * 10**9


def _time() -> float:
    return _time_ns() / 1e9


class _Moment(_right_datetime):
    """The type of all moments that are made from here on."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls.fromtimestamp(_time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.fromtimestamp(_time(), dt.UTC).replace(tzinfo=None)

    today = now


# Before anything else is imported: whoever imports them from here on has the wrong ones.
time.time, time.time_ns = _time, _time_ns
dt.datetime = _Moment  # type: ignore[misc]

if __name__ == "__main__":
    from ingest.telemetry.publish import Outlets
    from tests.sync_child import main

    main(BASE, Outlets(BASE / "last.json", BASE / "d.prom"))
