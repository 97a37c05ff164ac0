"""A process that is killed at random moments while its folder changes loses nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from ingest.store.connect import connect
from schemas.settings import load_settings
from tests.sync_rig import paint, read_points, read_truth, write

if TYPE_CHECKING:
    from pathlib import Path

RUN_SECONDS = 0.8
"""About how long an undisturbed run takes, imports aside."""


def start(base: Path) -> subprocess.Popen[str]:
    """A run that has imported everything and is about to begin."""
    command = [sys.executable, "-m", "tests.sync_child", str(base)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "go\n"
    return child


def finish(child: subprocess.Popen[str]) -> dict[str, Any]:
    """What an undisturbed run says."""
    output, _ = child.communicate(timeout=120)
    answer: dict[str, Any] = json.loads(output)
    return answer


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


@pytest.mark.parametrize(
    ("seed", "kills"),
    [(0, 4), *[pytest.param(seed, 10, marks=pytest.mark.slow) for seed in range(1, 31)]],
)
def test_killed_again_and_again(tmp_path: Path, seed: int, kills: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - a history that can be repeated
    folder = tmp_path / "photos"
    for number in range(12):
        paint(folder / "a" / f"{number}.png", (255, number, 0))
        write(folder / "b" / f"{number}.txt", "green " * number + "red")
    killed = 0
    for _ in range(kills):
        child = start(tmp_path)
        time.sleep(chosen.uniform(0, RUN_SECONDS))
        child.kill()
        child.communicate()
        killed += child.returncode == -9
        change(folder, chosen)
    assert finish(start(tmp_path))["exit"] == 0
    settings = load_settings(url=":memory:", isolate=False, chunk_overlap_tokens=2)
    with connect(str(tmp_path / "index")) as engine:
        assert read_points(engine) == read_truth(folder, settings)
    assert finish(start(tmp_path))["encoded"] == 0
    assert killed


def test_two_at_once(tmp_path: Path) -> None:
    """One runs, the other one yields at once."""
    for number in range(40):
        paint(tmp_path / "photos" / f"{number}.png", (255, number, 0))
    children = [start(tmp_path), start(tmp_path)]
    answers = sorted((finish(child) for child in children), key=lambda answer: answer["exit"])
    assert [answer["exit"] for answer in answers] in ([0, 75], [0, 0])
    assert finish(start(tmp_path))["encoded"] == 0
