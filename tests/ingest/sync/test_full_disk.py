"""A full disk under anything of a run is one clear error; with room again nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ingest.store.connect import connect
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from ingest.telemetry.publish import Outlets, run_published
from schemas.errors import StoreError
from schemas.settings import RootSettings, load_settings
from tests.sync_rig import CountingEncoder, paint, read_points, read_truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.sync_report import SyncReport


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 640 MB: an embedded index asks for 160 MB to work with beside its own."""
    with mounted(tmp_path / "small", "640m") as folder:
        yield folder


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root; continuous integration has it")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
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


class Tiny:
    """A file system of 1 MB under what a run leaves for people; index and ledger lie elsewhere."""

    def __init__(self, base: Path, small: Path) -> None:
        self.photos, self.small = base / "photos", small
        (base / "ledger").mkdir()
        self.state = small / "state"
        self.state.mkdir()
        (self.state / "ledger").symlink_to(base / "ledger")
        self.index = base / "index"
        self.encoder = CountingEncoder()
        self.settings = load_settings(
            url=str(self.index), state_dir=self.state, isolate=False, chunk_overlap_tokens=2
        )

    def run(self, outlets: Outlets) -> SyncReport:
        self.encoder.encoded = 0
        options = SyncOptions(show_progress=False)
        job = SyncJob([RootSettings(source=str(self.photos))], self.settings, options=options)
        return run_published(partial(job.run, encoder=self.encoder), self.settings, outlets)

    def files(self) -> dict[str, str]:
        """What lies on the small file system, hidden files too."""
        return {
            str(path.relative_to(self.small)): path.read_text(encoding="utf-8")
            for path in sorted(self.small.rglob("*"))
            if path.is_file()
        }

    def is_equal(self) -> bool:
        with connect(str(self.index)) as engine:
            return read_points(engine) == read_truth(self.photos, self.settings)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Tiny]:
    with mounted(tmp_path / "small", "1m") as folder:
        yield Tiny(tmp_path, folder)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("reports", r"the report cannot be written to .*/state/reports/.*No space left.*make room"),
        ("report", r"the report cannot be written to .*/last\.json.*No space left.*make room"),
        ("metrics", r"the metrics cannot be written to .*/d\.prom.*No space left.*make room"),
        (
            "letters",
            r"the dead letters cannot be written to .*dead-letters.*No space left.*make room",
        ),
    ],
)
def test_a_full_disk_under_what_is_told(tiny: Tiny, tmp_path: Path, kind: str, says: str) -> None:
    outlets = Outlets(
        tiny.small / "last.json" if kind == "report" else None,
        tiny.small / "d.prom" if kind == "metrics" else None,
    )
    if kind != "reports":
        (tmp_path / "reports").mkdir()
        (tiny.state / "reports").symlink_to(tmp_path / "reports")
    for number in range(3):
        paint(tiny.photos / f"{number}.png", (255, number, 0))
    tiny.run(outlets)
    before = tiny.files()
    paint(tiny.photos / "3.png", (0, 0, 255))
    (tiny.photos / "0.png").unlink()
    if kind == "letters":
        broken = tiny.photos / "broken.png"
        broken.write_bytes((tiny.photos / "1.png").read_bytes()[:45])
    with filled(tiny.small), pytest.raises(StoreError, match=says) as caught:
        tiny.run(outlets)
    assert caught.value.exit_code == 74
    assert tiny.files() == before  # the old ones, whole, and no piece of a new one
    assert tiny.is_equal()
    assert tiny.run(outlets).exit_code == (3 if kind == "letters" else 0)
    assert tiny.encoder.encoded == 0
    assert tiny.files() != before
    assert tiny.is_equal()
