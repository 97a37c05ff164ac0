"""Items with which the process died: suspected, tried alone, set aside, tried once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingest.ledger.ledger import Ledger
from schemas.errors import Quarantined
from tests.sync_rig import CountingEncoder, Died, Rig, mortal_ledger, paint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from schemas.space import Vectors

BAD = (9, 9, 9)
NEW = "folder://photos/new.png"


class PoisonedEncoder(CountingEncoder):
    """The process dies over pictures of one colour."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.world)
        self._rig = rig

    def encode_images(self, images: Sequence[Any]) -> Vectors:
        if any(image.getpixel((0, 0)) == BAD for image in images):
            self._rig.world.is_dead = True
        return super().encode_images(images)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    paint(rig.folder / "old.png", (255, 0, 0))
    rig.sync()
    paint(rig.folder / "new.png", (0, 255, 0))
    yield rig
    rig.close()


def die_with(rig: Rig, uri: str, times: int) -> None:
    """What killed runs leave in the ledger."""
    (path,) = rig.state.glob("ledger/*.sqlite")
    ledger = Ledger(path)
    for _ in range(times):
        ledger.intend([uri])
        ledger.blame()
    ledger.close()


def failures(rig: Rig, **options: Any) -> list[str]:
    """Kinds of the failures of one run."""
    return [one.kind for root in rig.sync(**options).roots for one in root.failures]


def test_one_that_was_only_there_when_the_process_was_killed_is_indexed_in_the_end(
    rig: Rig,
) -> None:
    die_with(rig, NEW, 3)
    assert failures(rig) == [Quarantined.__name__]
    assert rig.found() != rig.truth()
    assert failures(rig) == []
    assert rig.found() == rig.truth()
    rig.sync()
    assert (rig.encoder.encoded, rig.engine.writes) == (0, 0)


def test_each_further_death_doubles_the_runs_that_pass_it_over(rig: Rig) -> None:
    die_with(rig, NEW, 5)
    for _ in range(4):
        assert failures(rig) == [Quarantined.__name__]
        assert rig.encoder.encoded == 0
    assert failures(rig) == []
    assert rig.found() == rig.truth()


def test_one_that_changes_or_is_asked_for_is_tried_at_once(rig: Rig) -> None:
    die_with(rig, NEW, 9)
    assert failures(rig) == [Quarantined.__name__]
    assert failures(rig, retry_failed=True) == []
    assert rig.found() == rig.truth()


def test_one_that_is_gone_is_forgotten(rig: Rig) -> None:
    die_with(rig, NEW, 9)
    rig.sync()
    (rig.folder / "new.png").unlink()
    assert failures(rig) == []
    paint(rig.folder / "new.png", (0, 0, 255))
    assert failures(rig) == []
    assert rig.found() == rig.truth()


def test_the_worst_suspect_comes_last(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps no other from being indexed, and is alone what is missing in the end."""
    paint(rig.folder / "a.png", BAD)
    truth = rig.truth()
    sound = rig.encoder
    rig.encoder = PoisonedEncoder(rig)
    for _ in range(3):
        with mortal_ledger(monkeypatch, rig.world), pytest.raises(Died):
            rig.sync()
        rig.world.revive()
    missing = truth.keys() - rig.found().keys()
    assert len(missing) == 1
    assert failures(rig) == [Quarantined.__name__]
    rig.encoder = sound
    assert failures(rig) == []
    assert rig.found() == truth


def test_one_that_is_gone_before_it_was_ever_indexed_is_forgotten(rig: Rig) -> None:
    die_with(rig, NEW, 3)
    (rig.folder / "new.png").unlink()
    assert failures(rig) == []
    (path,) = rig.state.glob("ledger/*.sqlite")
    ledger = Ledger(path)
    assert ledger.read_deaths("") == {}
    ledger.close()
