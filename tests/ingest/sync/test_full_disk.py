"""A full disk under the ledger or the index is one clear error; with room again nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ingest.store.connect import connect
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.errors import StoreError
from schemas.settings import RootSettings, load_settings
from tests.sync_rig import CountingEncoder, paint, read_points, read_truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.sync_report import SyncReport


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 320 MB: an embedded index asks for 160 MB to begin with."""
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root; continuous integration has it")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here (an unprivileged container)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """No byte is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(b"\0" * 65536)
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


@pytest.mark.parametrize("on_small", ["ledger", "index"])
def test_a_full_disk_loses_nothing(tmp_path: Path, small: Path, on_small: str) -> None:
    state = small / "state" if on_small == "ledger" else tmp_path / "state"
    index = small / "index" if on_small == "index" else tmp_path / "index"
    photos = tmp_path / "photos"
    settings = load_settings(url=str(index), state_dir=state, isolate=False)
    encoder = CountingEncoder()

    def run() -> SyncReport:
        encoder.encoded = 0
        roots = [RootSettings(source=str(photos))]
        options = SyncOptions(show_progress=False)
        return SyncJob(roots, settings, options=options).run(encoder=encoder)

    for number in range(20):
        paint(photos / f"{number}.png", (255, number, 0))
    assert run().counts.added == 20
    for number in range(400):
        paint(photos / "more" / f"{number}.png", (number % 256, 255, number // 256))
    with filled(small), pytest.raises(StoreError) as caught:
        run()
    assert caught.value.exit_code == 74
    assert run().exit_code == 0
    with connect(str(index)) as engine:
        assert read_points(engine) == read_truth(photos, settings)
    assert run().exit_code == 0
    assert encoder.encoded == 0
