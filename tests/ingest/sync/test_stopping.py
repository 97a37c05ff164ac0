"""A stop request ends whatever a run waits for, and leaves everything as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer
from typing import IO, TYPE_CHECKING

import pytest

from ingest.store.connect import connect
from ingest.store.lease_point import LeasePoint, Standing
from ingest.store.patience import Patience
from ingest.store.retrying import with_retries
from ingest.store.writer import Writer
from ingest.sync.job import SyncJob
from ingest.sync.planning import make_plan
from ingest.sync.session import SyncOptions
from schemas.errors import RunStopped
from schemas.settings import RootSettings, Settings, load_settings
from tests.ingest.store.samples import create, to_points
from tests.legible import LegibleEncoder
from tests.loopback.faults import Fault, FaultPlan, is_write
from tests.loopback.server import Loopback, serving
from tests.sync_rig import paint

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
import sys
from pathlib import Path
from threading import Event
from ingest.cli import set_on_signal
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.errors import RunStopped
from schemas.settings import RootSettings, load_settings
from tests.legible import LegibleEncoder

base, url = sys.argv[1:]
stopping = Event()
set_on_signal(stopping)
settings = load_settings(
    url=url, prefer_grpc=False, timeout_seconds=2, state_dir=f"{base}/state", isolate=False
)
options = SyncOptions(show_progress=False)
roots = [RootSettings(source=f"{base}/photos")]
try:
    SyncJob(roots, settings, options=options, stopping=stopping).run(encoder=LegibleEncoder())
except RunStopped as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""
GENERATION = "diptych__g001"
SILENT = Standing(
    holder="a run that died",
    place="another machine",
    epoch=7,
    beats=99,
    lease_seconds=600,
    beat_at="2020-01-01T00:00:00+00:00",
)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving() as running:
        yield running


@pytest.fixture
def settings(server: Loopback, tmp_path: Path) -> Settings:
    """Of a collection that was synchronised once, before one more file came."""
    settings = load_settings(
        url=server.url, prefer_grpc=False, state_dir=tmp_path / "state", isolate=False
    )
    (tmp_path / "photos").mkdir()
    paint(tmp_path / "photos" / "red.png", (255, 0, 0))
    to_job(settings).run(encoder=LegibleEncoder())
    paint(tmp_path / "photos" / "green.png", (0, 255, 0))
    return settings


def to_roots(settings: Settings) -> list[RootSettings]:
    assert settings.state_dir is not None
    return [RootSettings(source=str(settings.state_dir.parent / "photos"))]


def to_job(settings: Settings, stopping: Event | None = None) -> SyncJob:
    options = SyncOptions(show_progress=False)
    return SyncJob(to_roots(settings), settings, options=options, stopping=stopping)


def leave_lease(settings: Settings) -> None:
    with connect(settings.url, prefer_grpc=False) as engine:
        point = LeasePoint(engine, GENERATION)
        point.write(SILENT, point.read())
        assert point.read() == SILENT


@contextmanager
def child(base: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    root = Path(__file__).parents[3]
    program = [sys.executable, "-c", PROGRAM, str(base), url]
    environment = os.environ | {"PYTHONPATH": str(root)}
    process = subprocess.Popen(
        program, cwd=root, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


def wait_for(words: str, lines: IO[str] | None) -> None:
    assert lines is not None
    for line in lines:
        if words in line:
            return
    pytest.fail(f"nothing said {words!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_for_a_silent_run(
    server: Loopback, settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    leave_lease(settings)
    with child(tmp_path, server.url) as process:
        wait_for("may be dead", process.stderr)
        asked = len(server.requests)
        process.send_signal(number)
        assert process.wait(60) == 130
    assert not [one for one in server.requests[asked:] if is_write(*one)]
    with connect(server.url, prefer_grpc=False) as engine:
        assert LeasePoint(engine, GENERATION).read() == SILENT
        assert engine.count(GENERATION).count == 1


def test_a_signal_ends_the_wait_for_a_server_that_is_away(
    server: Loopback, settings: Settings, tmp_path: Path
) -> None:
    server.refuse()
    with child(tmp_path, settings.url) as process:
        wait_for("again in", process.stderr)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130


def test_a_plan_does_not_wait_for_a_silent_run_either(settings: Settings) -> None:
    leave_lease(settings)
    stopping = Event()
    timer = Timer(0.3, stopping.set)
    timer.start()
    with pytest.raises(RunStopped, match="another run"):
        make_plan(to_roots(settings), settings, encoder=LegibleEncoder(), stopping=stopping)
    timer.join()


def test_a_busy_server_still_takes_the_batch_that_is_under_way(server: Loopback) -> None:
    stopping = Event()
    stopping.set()
    with connect(server.url, prefer_grpc=False) as opened:
        create(opened, "c")
        engine = with_retries(opened, Patience(stopping=stopping))
        server.plan = FaultPlan(script=deque([Fault.BUSY] * 3), retry_after="30")
        assert Writer(engine, "c").upsert(to_points()) == len(to_points())
        server.plan = FaultPlan({Fault.BUSY: 1.0}, retry_after="30")
        for request in (lambda: Writer(engine, "c").delete([1]), lambda: engine.count("c")):
            with pytest.raises(RunStopped, match="told to stop"):
                request()
        assert server.plan.injected == {Fault.BUSY: 8}
