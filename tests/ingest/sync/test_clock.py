"""A clock that is a year off, for one run or in the middle of one, changes nothing."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from ingest.store.connect import connect
from schemas.errors import LockHeld
from schemas.settings import load_settings
from tests.killing import fill, finish, start
from tests.loopback.server import Loopback, serving
from tests.sync_rig import paint, read_points, read_truth

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

YEAR = 365 * 24 * 3600
LEASE_SECONDS = 3
BOTH = pytest.mark.parametrize("wrong_by", [YEAR, -YEAR], ids=["ahead", "behind"])
NOTHING = {"exit": 0, "encoded": 0, "deleted": 0, "failures": [], "problems": []}


class Machine:
    """One that synchronises the folder, by a clock of its own.

    Args:
        base: Holds folder, index and state.
        environ: Of its runs.
    """

    def __init__(self, base: Path, **environ: str) -> None:
        self.base, self.environ = base, environ
        self.folder = base / "photos"
        self.settings = load_settings(url=":memory:", isolate=False, chunk_overlap_tokens=2)
        self.set_clock(0)

    def set_clock(self, wrong_by: int) -> None:
        fresh = self.base / "clock.new"
        fresh.write_text(str(wrong_by), encoding="ascii")
        fresh.replace(self.base / "clock")  # a run may be looking at it
        self.wrong_by = wrong_by

    def start(self, **environ: str) -> subprocess.Popen[bytes]:
        return start(self.base, "tests.clock_child", **self.environ, **environ)

    def run(self) -> dict[str, Any]:
        return finish(self.start())

    def paint(self, name: str, colour: tuple[int, int, int]) -> None:
        """Its file system takes the time from it."""
        paint(self.folder / name, colour)
        now = time.time() + self.wrong_by
        os.utime(self.folder / name, (now, now))

    def truth(self) -> dict[str, Any]:
        return read_truth(self.folder, self.settings)

    def found(self) -> dict[str, Any]:
        url = self.environ.get("DIPTYCH_URL", str(self.base / "index"))
        with connect(url, prefer_grpc=False) as engine:
            return read_points(engine)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    fill(machine.folder)
    return machine


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving() as server:
        yield server


def go_through(machine: Machine, clocks: list[int]) -> None:
    """Runs that have nothing to do, and runs that have one thing to do, by wrong clocks."""
    assert machine.run()["encoded"] == len(machine.truth())
    for number, wrong_by in enumerate(clocks):
        machine.set_clock(wrong_by)
        assert machine.run() == NOTHING
        report = json.loads((machine.base / "last.json").read_text(encoding="utf-8"))
        told = datetime.fromisoformat(report["finished_at"]).timestamp()
        assert abs(told - time.time() - wrong_by) < YEAR / 2  # the clock was wrong indeed
        assert not report["rebuilt"]
        machine.paint(f"a/{number}.png", (0, 255, number))
        machine.paint(f"{number}.png", (0, 0, 255 - number))
        (machine.folder / "b" / f"{number}.txt").unlink()
        assert machine.run() == {**NOTHING, "encoded": 2, "deleted": 1}
        assert machine.found() == machine.truth()
    machine.set_clock(0)
    assert machine.run() == NOTHING
    assert (machine.base / "d.prom").exists()


def test_a_run_by_a_wrong_clock(machine: Machine) -> None:
    assert machine.run()["encoded"] == len(machine.truth())
    machine.set_clock(YEAR)
    machine.paint("ahead.png", (0, 0, 255))
    assert machine.run() == {**NOTHING, "encoded": 1}
    machine.set_clock(-YEAR)
    assert machine.run() == NOTHING
    assert machine.found() == machine.truth()


@pytest.mark.slow
def test_many_runs_by_wrong_clocks(machine: Machine) -> None:
    go_through(machine, [YEAR, -YEAR, 0, -YEAR, YEAR])


@pytest.mark.slow
def test_many_runs_by_wrong_clocks_on_a_server(machine: Machine, server: Loopback) -> None:
    machine.environ["DIPTYCH_URL"] = server.url
    go_through(machine, [YEAR, -YEAR, 0, -YEAR, YEAR])


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("on_server", [False, True], ids=["embedded", "server"])
def test_a_clock_that_is_set_in_the_middle_of_a_run(
    machine: Machine, server: Loopback, wrong_by: int, *, on_server: bool
) -> None:
    if on_server:
        machine.environ |= {"DIPTYCH_URL": server.url, "DIPTYCH_LEASE_SECONDS": str(LEASE_SECONDS)}
    child = machine.start(PAUSE_SECONDS="0.2")
    for clock in (wrong_by, 0, -wrong_by, wrong_by):
        time.sleep(0.4)
        machine.set_clock(clock)
        assert child.poll() is None
    assert finish(child) == {**NOTHING, "encoded": len(machine.truth())}
    assert machine.found() == machine.truth()
    for clock in (wrong_by, -wrong_by):
        machine.set_clock(clock)
        assert machine.run() == NOTHING


@pytest.mark.slow
@BOTH
def test_two_machines_whose_clocks_are_a_year_apart(
    machine: Machine, server: Loopback, wrong_by: int
) -> None:
    """The one whose clock is right waits for the other while that lives, and not once it is dead.

    The lease says by the other's clock when it was last heard of.
    """
    environ = {"DIPTYCH_URL": server.url, "DIPTYCH_LEASE_SECONDS": str(LEASE_SECONDS)}
    machine.environ |= environ
    machine.set_clock(wrong_by)
    other = machine.start(PAUSE_SECONDS="1.5")
    while not any(path.endswith("/points") for method, path in server.requests if method == "PUT"):
        time.sleep(0.05)
    here = {**environ, "DIPTYCH_STATE_DIR": str(machine.base / "here")}
    refused = finish(start(machine.base, **here))
    assert refused["exit"] == LockHeld.exit_code
    assert other.poll() is None
    other.kill()
    other.communicate()
    missing = len(machine.truth()) - len(machine.found())
    assert finish(start(machine.base, **here)) == {**NOTHING, "encoded": missing}
    assert machine.found() == machine.truth()
    assert machine.run() == NOTHING
