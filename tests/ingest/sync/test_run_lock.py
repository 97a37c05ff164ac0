"""One run at a time on one machine."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from ingest.job import IngestJob
from ingest.sources.open import open_source
from ingest.store.connect import connect, is_server
from ingest.sync.job import SyncJob
from ingest.sync.place import to_place
from ingest.sync.run_lock import RunLock, only_run
from ingest.sync.session import SyncOptions
from ingest.sync.state import to_lock_path
from schemas.errors import LockHeld, StoreError
from schemas.settings import RootSettings, load_settings
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.settings import Settings
    from schemas.space import Vectors

HOLDER = """
import sys
from pathlib import Path
from ingest.sync.run_lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (8, 6), (255, 0, 0)).save(folder / "red.png")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        url=":memory:", state_dir=str(tmp_path / "state"), isolate=False, chunk_overlap_tokens=2
    )


def to_sync(photos: Path, settings: Settings) -> SyncJob:
    options = SyncOptions(show_progress=False)
    return SyncJob([RootSettings(source=str(photos))], settings, options=options)


class Waiting(LegibleEncoder):
    """Encodes when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_go_on = Event(), Event()

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        if len(images) == 1:  # the canary has more
            self.begun.set()
            assert self.may_go_on.wait(30)
        return super().encode_images(images)


def test_kill_frees_the_lock_of_another_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "photos__g001.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=rf"photos__g001: process {holder.pid}\b") as held:
            RunLock(path)
        assert held.value.exit_code == 75
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        lock = RunLock(path)
    with pytest.raises(LockHeld, match=str(os.getpid())):
        RunLock(path)
    lock.release()
    lock.release()
    RunLock(path).close()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("in the way")
    with pytest.raises(StoreError, match="state_dir"):
        RunLock(tmp_path / "ledger" / "photos__g001.lock")


def test_of_two_at_once_one_yields(photos: Path, settings: Settings) -> None:
    encoder = Waiting()
    reports = []
    with connect(":memory:") as engine:
        first = to_sync(photos, settings)
        thread = Thread(target=lambda: reports.append(first.run(engine=engine, encoder=encoder)))
        thread.start()
        try:
            assert encoder.begun.wait(30)
            with pytest.raises(LockHeld, match="one run at a time"):
                to_sync(photos, settings).run(engine=engine, encoder=LegibleEncoder())
            ingest = IngestJob(open_source(str(photos)), settings, show_progress=False)
            with pytest.raises(LockHeld, match="one run at a time"):
                ingest.run(engine=engine, encoder=LegibleEncoder())
        finally:
            encoder.may_go_on.set()
            thread.join()
        assert [report.exit_code for report in reports] == [0]
        again = to_sync(photos, settings).run(engine=engine, encoder=LegibleEncoder())
        assert again.exit_code == 0


def test_an_ingestion_holds_a_synchronisation_back(photos: Path, settings: Settings) -> None:
    with connect(":memory:") as engine:
        to_sync(photos, settings).run(engine=engine, encoder=LegibleEncoder())
        assert settings.state_dir is not None
        lock = RunLock(to_lock_path(settings.state_dir, "diptych__g001"))
        with pytest.raises(LockHeld):
            to_sync(photos, settings).run(engine=engine, encoder=LegibleEncoder())
        lock.release()


def test_on_a_server_it_is_one_run_on_any_machine(tmp_path: Path) -> None:
    here, there = (
        load_settings(url="http://server:6333", state_dir=str(tmp_path / name))
        for name in ("here", "there")
    )
    with connect(":memory:") as engine:
        with only_run(engine, "c__g001", here) as check:
            check()
            with (
                pytest.raises(LockHeld, match="one run at a time"),
                only_run(engine, "c__g001", there),
            ):
                pass
            with only_run(engine, "c__g002", there) as other:
                other()
        with only_run(engine, "c__g001", there) as check:
            check()


def test_only_http_is_a_server() -> None:
    assert is_server("http://a:6333")
    assert is_server("https://a")
    assert not is_server(":memory:")
    assert not is_server("folder")


def test_a_place_is_a_machine_its_boot_and_a_lock_file(tmp_path: Path) -> None:
    machine, boot = tmp_path / "machine", tmp_path / "boot"
    path, other_path = tmp_path / "a.lock", tmp_path / "b.lock"
    lock, other = RunLock(path), RunLock(other_path)

    def place() -> str:
        return to_place(path, lock.descriptor, machine_ids=[machine], boot_id=boot)

    own = place()
    assert place() == own  # kept beside the lock file
    machine.write_text("m\n")
    assert place() == own  # both ids or none
    boot.write_text("b\n")
    booted = place()
    assert booted not in {own, ""}
    assert place() == booted
    elsewhere = to_place(other_path, other.descriptor, machine_ids=[machine], boot_id=boot)
    assert elsewhere != booted
    boot.write_text("c\n")
    assert place() != booted
    lock.release()
    other.release()


def test_a_lock_file_that_was_removed_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    old = RunLock(path)
    path.unlink()
    new = RunLock(path)
    with pytest.raises(LockHeld):
        RunLock(path)
    old.release()
    new.release()


def test_a_full_disk_leaves_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "photos__g001.lock"
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        lock = RunLock(path)
    with pytest.raises(LockHeld, match="process unknown"):
        RunLock(path)
    lock.release()
