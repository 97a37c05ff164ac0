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

from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.store.collections import resolve_collection
from ingest.store.generations import roll_back
from ingest.store.patience import Patience
from schemas.errors import MigrationRefused, Quarantined, SettingsError, StoreUnavailable
from tests.legible import LegibleEncoder
from tests.sync_rig import CountingEncoder, Died, Rig, mortal_ledger, paint, read_truth, write

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.sampled_from(["a.png", "b.png", "c.txt", "d/e.png", "d/f.txt", "d/g/h.txt", "i.md"])
WORDS = st.sampled_from(["red", "green " * 9, "blue " * 30, "black", "a yellow one " * 12])
COLOURS = st.sampled_from([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)])
MODELS = st.sampled_from(["legible-1", "legible-2", "legible-3"])
REFUSED = (MigrationRefused, SettingsError)
"""The live generation has items that are gone, or never came to know its root."""
MAX_RUNS = 20
"""Items that were under way in many deaths are set aside for 1, 2, 4, 8 runs."""
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

    @rule(point=st.integers(1, 300))
    def die(self, point: int) -> None:
        """What the ledger was told is on the disk, and it is told nothing more."""
        with pytest.MonkeyPatch.context() as patched, mortal_ledger(patched, self.rig.world):
            self._run_cut_short(point, Died)

    @rule(point=st.integers(1, 120))
    def lose_the_store(self, point: int) -> None:
        self._run_cut_short(point, StoreUnavailable)

    @rule(model_id=MODELS)
    def migrate(self, model_id: str) -> None:
        """A new generation holds what the folder holds now; the live one is as it was till then."""
        if not self.rig.memory.collection_exists("diptych"):
            return
        was_synchronised = self.is_synchronised
        before = resolve_collection(self.rig.memory, "diptych").name
        try:
            self._migrate(model_id)
        except REFUSED:
            if (
                was_synchronised and self._truth()
            ):  # then nothing is missing, and there is something
                raise
            return
        assert self._live_model() == model_id
        if resolve_collection(self.rig.memory, "diptych").name == before:
            self.is_synchronised = was_synchronised  # it is made like this: nothing to migrate
            return
        self.is_synchronised = True
        assert self.rig.found() == self._truth()

    @rule(
        model_id=MODELS, point=st.integers(1, 200), error=st.sampled_from([Died, StoreUnavailable])
    )
    def cut_a_migration_short(self, model_id: str, point: int, error: type[BaseException]) -> None:
        if not self.rig.memory.collection_exists("diptych"):
            return
        before = self.rig.found()
        self.rig.world.revive(dies_at=point)
        self.rig.world.error = error
        try:
            self._migrate(model_id)
        except (error, *REFUSED):
            pass
        finally:
            self.rig.world.revive()
        if self._live_model() != self.rig.encoder.space.model_id:
            self._follow()  # it was cut short after the swap
        elif not self.is_synchronised:
            assert self.rig.found() == before

    @rule()
    def roll_back(self) -> None:
        if not self.rig.memory.collection_exists("diptych"):
            return
        try:
            roll_back(self.rig.memory, "diptych")
        except MigrationRefused:  # there is nothing to go back to
            return
        self._follow()

    @rule(checksum=st.booleans())
    def synchronise(self, *, checksum: bool) -> None:
        for _ in range(MAX_RUNS):
            report = self.rig.sync(allow_mass_delete=True, checksum=checksum)
            assert report.counts.balanced
            if self.is_synchronised:
                assert (self.rig.encoder.encoded, self.rig.engine.writes) == (0, 0)
            if report.exit_code == 0:
                break
            kinds = {one.kind for root in report.roots for one in root.failures}
            assert kinds == {Quarantined.__name__}, report.to_json()
        else:
            pytest.fail(f"items are set aside for more than {MAX_RUNS} runs")
        self.is_synchronised = True
        assert self.rig.found() == self._truth()

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
            assert self.rig.found() == self._truth()

    def _migrate(self, model_id: str) -> None:
        engine: Any = self.rig.engine
        MigrateJob(self.rig.settings(), options=MigrationOptions(show_progress=False)).run(
            engine=engine,
            encoder=CountingEncoder(self.rig.world, model_id=model_id),
            live_encoder=LegibleEncoder(model_id=self.rig.encoder.space.model_id),
        )
        self._follow()

    def _live_model(self) -> str:
        return resolve_collection(self.rig.memory, "diptych").space.model_id

    def _follow(self) -> None:
        """Go on with the generation that is live now, which may be any, in any state."""
        self.rig.encoder = CountingEncoder(self.rig.world, model_id=self._live_model())
        self.is_synchronised = False

    def _truth(self) -> dict[str, Any]:
        encoder = LegibleEncoder(model_id=self.rig.encoder.space.model_id)
        return read_truth(self.rig.folder, self.rig.settings(), encoder)


def run_machine(examples: int, steps: int) -> None:
    SyncMachine.TestCase.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        # A history is short as it is, and shrinking one takes minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.MonkeyPatch.context() as patched:
        # A store that is gone stays gone here: waiting for it would only take time.
        patched.setattr("ingest.store.writer.to_patience", lambda _: Patience(attempts=1))
        SyncMachine.TestCase("runTest").runTest()


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(6, 15), pytest.param(400, 30, marks=pytest.mark.slow)],
    ids=["short", "long"],
)
def test_any_history_ends_equal_to_the_folder(examples: int, steps: int) -> None:
    run: Callable[[int, int], None] = run_machine
    run(examples, steps)
