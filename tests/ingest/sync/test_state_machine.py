"""Anything may happen to a folder, a ledger and an index; a synchronisation puts it right."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from schemas.errors import StoreUnavailable
from tests.sync_rig import Died, Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.sampled_from(["a.png", "b.png", "c.txt", "d/e.png", "d/f.txt", "d/g/h.txt", "i.md"])
WORDS = st.sampled_from(["red", "green " * 9, "blue " * 30, "black", "a yellow one " * 12])
COLOURS = st.sampled_from([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)])
YEAR_NS = 365 * 24 * 3600 * 10**9


class SyncMachine(RuleBasedStateMachine):
    """The model is the folder itself: a fresh ingest of it says what the index must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.rig = Rig(self.base)
        self.rig.world.revive()
        self.is_synchronised = False
        self.copies: list[Path] = []

    @rule(name=NAMES, words=WORDS, colour=COLOURS)
    def write_file(self, name: str, words: str, colour: tuple[int, int, int]) -> None:
        path = self.rig.folder / name
        if path.is_dir() or any(parent.is_file() for parent in path.parents):
            return
        if name.endswith(".png"):
            paint(path, colour)
        else:
            write(path, words)
        self.is_synchronised = False

    @rule(name=NAMES, words=st.sampled_from(["red", "blu", "gre"]))
    def change_behind_the_clock(self, name: str, words: str) -> None:
        """Other bytes of the same length, and the old modification time put back."""
        path = self.rig.folder / name
        if name.endswith(".txt") and path.is_file():
            before = path.stat()
            content = path.read_text(encoding="utf-8")
            path.write_text(words + content[3:], encoding="utf-8")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            self.is_synchronised = False

    @rule(name=NAMES, years=st.sampled_from([-1, 1]))
    def touch(self, name: str, years: int) -> None:
        path = self.rig.folder / name
        if path.is_file():
            now = path.stat().st_mtime_ns + years * YEAR_NS
            os.utime(path, ns=(now, now))
            self.is_synchronised = False

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        path = self.rig.folder / name
        if path.is_file():
            path.unlink()
            self.is_synchronised = False

    @rule(name=NAMES, other=NAMES)
    def rename(self, name: str, other: str) -> None:
        source, goal = self.rig.folder / name, self.rig.folder / other
        if source.is_file() and source.suffix == goal.suffix and not goal.is_dir():
            goal.parent.mkdir(parents=True, exist_ok=True)
            source.replace(goal)
            self.is_synchronised = False

    @rule()
    def rename_folder(self) -> None:
        one, other = self.rig.folder / "d", self.rig.folder / "z"
        if one.is_dir() and not other.exists():
            one.rename(other)
        elif other.is_dir() and not one.exists():
            other.rename(one)
        self.is_synchronised = False

    @rule()
    def lose_the_ledger(self) -> None:
        shutil.rmtree(self.rig.state, ignore_errors=True)
        self._runs_without_encoding()

    @rule()
    def damage_the_ledger(self) -> None:
        for ledger in self.rig.state.glob("ledger/*.sqlite"):
            ledger.write_bytes(b"no ledger at all" * 64)
            for sidecar in self.rig.state.glob("ledger/*.sqlite-*"):
                sidecar.unlink()
        self._runs_without_encoding()

    @rule()
    def copy_the_ledger(self) -> None:
        if self.rig.state.exists():
            copy = self.base / f"copy{len(self.copies)}"
            shutil.copytree(self.rig.state, copy)
            self.copies.append(copy)

    @precondition(lambda self: self.copies)
    @rule(which=st.integers(0, 10))
    def roll_the_ledger_back(self, which: int) -> None:
        shutil.rmtree(self.rig.state, ignore_errors=True)
        shutil.copytree(self.copies[which % len(self.copies)], self.rig.state)
        self._runs_without_encoding()

    @rule(data=st.data())
    def lose_points(self, data: st.DataObject) -> None:
        """The index is older than the ledger: some points are missing, and its token is another."""
        if not self.rig.memory.collection_exists("diptych"):
            return
        ids = sorted(self.rig.found())
        if ids:
            some = st.lists(st.sampled_from(ids), unique=True, min_size=1, max_size=3)
            lost: list[Any] = data.draw(some)
            self.rig.memory.delete("diptych", lost)
            self.rig.memory.update_collection("diptych", metadata={"sync_token": "an older one"})
            self.is_synchronised = False

    @rule(point=st.integers(1, 120))
    def die(self, point: int) -> None:
        self._run_cut_short(point, Died)

    @rule(point=st.integers(1, 120))
    def lose_the_store(self, point: int) -> None:
        self._run_cut_short(point, StoreUnavailable)

    @rule(checksum=st.booleans())
    def synchronise(self, *, checksum: bool) -> None:
        report = self.rig.sync(allow_mass_delete=True, checksum=checksum)
        assert report.exit_code == 0, report.to_json()
        assert report.counts.balanced
        if self.is_synchronised:
            assert (self.rig.encoder.encoded, self.rig.engine.writes) == (0, 0)
        self.is_synchronised = True
        assert self.rig.found() == self.rig.truth()

    def teardown(self) -> None:
        self.rig.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def _run_cut_short(self, point: int, error: type[BaseException]) -> None:
        self.rig.world.revive(dies_at=point)
        self.rig.world.error = error
        try:
            self.rig.sync(allow_mass_delete=True)
            self.is_synchronised = True
        except error:
            self.is_synchronised = False
        finally:
            self.rig.world.revive()

    def _runs_without_encoding(self) -> None:
        """What is indexed as it is needs no ledger."""
        if self.is_synchronised:
            self.rig.sync(allow_mass_delete=True)
            assert self.rig.encoder.encoded == 0
            assert self.rig.found() == self.rig.truth()


def run_machine(examples: int, steps: int) -> None:
    SyncMachine.TestCase.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        # A history is short as it is, and shrinking one takes minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    SyncMachine.TestCase("runTest").runTest()


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(6, 15), pytest.param(400, 30, marks=pytest.mark.slow)],
    ids=["short", "long"],
)
def test_any_history_ends_equal_to_the_folder(examples: int, steps: int) -> None:
    run: Callable[[int, int], None] = run_machine
    run(examples, steps)
