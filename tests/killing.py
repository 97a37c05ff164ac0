"""Runs that are killed at random moments, and folders that change between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from schemas.errors import Quarantined
from tests.sync_rig import paint, write

if TYPE_CHECKING:
    import random
    from pathlib import Path

MAX_RUNS = 10
"""An item that is set aside waits for 1, 2, 4 runs."""

RUN_SECONDS = 0.8
"""About how long an undisturbed run takes, imports aside."""


def start(base: Path, module: str = "tests.sync_child", **environ: str) -> subprocess.Popen[bytes]:
    """A run that has imported everything and is about to begin.

    Args:
        base: Holds the folder and the state.
        module: What runs; see :mod:`tests.sync_child`.
        environ: Further variables of its environment.
    """
    command = [sys.executable, "-m", module, str(base)]
    # Without a buffer: one would keep what a run that ends at once says after "go".
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, bufsize=0, env={**os.environ, **environ}
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"go\n"
    return child


def finish(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What an undisturbed run says."""
    output, _ = child.communicate(timeout=120)
    answer: dict[str, Any] = json.loads(output)
    return answer


def finish_all(base: Path, **environ: str) -> int:
    """Run by run as a scheduler would, until nothing is missing; gives how many were encoded.

    Items that were under way in several of the killed runs are set aside for a few runs.
    """
    encoded = 0
    for _ in range(MAX_RUNS):
        answer = finish(start(base, **environ))
        encoded += int(answer["encoded"])
        assert set(answer["failures"]) <= {Quarantined.__name__}
        if not answer["failures"]:
            assert answer["exit"] == 0
            return encoded
    raise AssertionError(f"something is missing after {MAX_RUNS} runs")


def kill(child: subprocess.Popen[bytes], after_seconds: float) -> bool:
    """Kill a run after a while; gives whether it was still running."""
    time.sleep(after_seconds)
    child.kill()
    child.communicate()
    return child.returncode == -9


def fill(folder: Path) -> None:
    """Pictures and texts of one passage to several."""
    for number in range(12):
        paint(folder / "a" / f"{number}.png", (255, number, 0))
        write(folder / "b" / f"{number}.txt", "green " * number + "red")


def change(folder: Path, chosen: random.Random) -> None:
    """Between two runs some files change, come, go and move."""
    for number in range(chosen.randint(1, 8)):
        name = f"{chosen.choice('abc')}/{chosen.randint(0, 12)}"
        path = folder / f"{name}.png"
        words = folder / f"{name}.txt"
        match chosen.randint(0, 5):
            case 0 | 1:
                paint(path, (chosen.randint(0, 255), number, 0))
            case 2:
                write(words, chosen.choice(("red ", "green ", "blue ")) * chosen.randint(1, 40))
            case 3:
                path.unlink(missing_ok=True)
            case 4 if path.exists():
                path.replace(folder / f"moved-{chosen.randint(0, 5)}.png")
            case 5 if words.exists():
                now = chosen.randint(0, 2) * 10**18
                os.utime(words, ns=(now, now))
