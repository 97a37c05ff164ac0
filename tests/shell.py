"""The command line in a process of its own, as a shell starts it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import diptych

if TYPE_CHECKING:
    from pathlib import Path


def call(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, diptych.__file__, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
