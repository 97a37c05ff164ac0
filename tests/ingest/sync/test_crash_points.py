"""A process that dies at any call at all, and is run again, ends where an undisturbed one does."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.sync_rig import Died, Rig, mortal_ledger, paint, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def first(folder: Path) -> None:
    """A first ingest: pictures, a text of several passages, the same bytes twice."""
    for index in range(4):
        paint(folder / f"{index}.png", (255, index, 0))
    shutil.copy(folder / "0.png", folder / "same.png")
    write(folder / "deep" / "long.txt", "green " * 40)
    write(folder / "note.txt", "a red note")


def change(folder: Path) -> None:
    """One of everything that can happen to a folder."""
    paint(folder / "new.png", (0, 0, 255))
    paint(folder / "1.png", (0, 255, 0))
    write(folder / "deep" / "long.txt", "blue " * 12)
    write(folder / "note.txt", "a black note " * 12)
    (folder / "2.png").unlink()
    (folder / "3.png").rename(folder / "deep" / "moved.png")
    os.utime(folder / "0.png", ns=(10**18, 10**18))


@pytest.mark.parametrize("steps", [(first,), (first, change)], ids=["first", "change"])
@pytest.mark.parametrize(
    "stride", [11, pytest.param(1, marks=pytest.mark.slow)], ids=["sample", "every"]
)
def test_crash_points(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    steps: tuple[Callable[[Path], None], ...],
    stride: int,
) -> None:
    *before, last = steps
    died = 0
    for point in range(1, 10_000, stride):
        rig = Rig(tmp_path / str(point))
        for step in before:
            step(rig.folder)
            rig.sync()
        last(rig.folder)
        truth = rig.truth()
        rig.world.revive(dies_at=point)
        try:
            with mortal_ledger(monkeypatch, rig.world):
                rig.sync()
        except Died:
            died += 1
        is_over = not rig.world.is_dead
        rig.world.revive()
        missing = {key for key, value in truth.items() if present(rig).get(key, [0])[0] != value[0]}
        report = rig.sync()
        assert rig.found() == truth, f"crash point {point}"
        assert rig.encoder.encoded <= len(missing), f"crash point {point}"
        assert report.exit_code == 0
        assert report.counts.balanced
        rig.sync()
        assert (rig.encoder.encoded, rig.engine.writes) == (0, 0), f"crash point {point}"
        rig.close()
        shutil.rmtree(tmp_path / str(point))
        if is_over:
            break
    assert died > 60 / stride


def present(rig: Rig) -> dict[str, list[object]]:
    """What a dead run left in the index, if it made one."""
    if not rig.memory.collection_exists("diptych"):
        return {}
    return {key: list(value) for key, value in rig.found().items()}
