"""What a root's report says when its first pass is not the whole story."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from ingest.sources.folder import FolderSource
from schemas.collection import root_filter
from schemas.errors import SourceUnavailable
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    for number in range(4):
        paint(rig.folder / f"{number}.png", (255, number, 0))
    (rig.folder / "x.bin").write_bytes(b"?")
    yield rig
    rig.close()


def lie(rig: Rig, say: Callable[[int], int]) -> None:
    """The store counts a root's points wrongly, as often as it is asked."""
    count = rig.memory.count

    def counted(name: str, *given: Any) -> Any:
        answer = count(name, *given)
        return (
            type(answer)(count=say(answer.count)) if given == (root_filter("photos"),) else answer
        )

    rig.memory.count = counted  # type: ignore[method-assign,assignment]


def wait_for_points(rig: Rig) -> None:
    deadline = time.monotonic() + 20
    while not rig.memory.count("diptych").count and time.monotonic() < deadline:
        time.sleep(0.05)


def test_counts_that_never_add_up_are_a_problem(rig: Rig) -> None:
    count = rig.memory.count
    lie(rig, lambda count: count + 1)
    report = rig.sync()
    assert (report.exit_code, [one.kind for one in report.problems]) == (4, ["CountMismatch"])
    assert (report.counts.scanned, report.counts.added, report.counts.balanced) == (4, 4, True)
    assert report.roots[0].skipped == {".bin": 1}
    assert rig.found() == rig.truth()
    rig.memory.count = count  # type: ignore[method-assign]
    report = rig.sync()
    assert (report.exit_code, report.rebuilt, rig.encoder.encoded) == (0, True, 0)
    assert not rig.sync().rebuilt


def test_points_lost_during_the_run_come_back_and_each_item_counts_once(rig: Rig) -> None:
    rig.sync()
    write(rig.folder / "new.txt", "green")
    asked = 0
    count = rig.memory.count

    def losing(name: str, *given: Any) -> Any:
        nonlocal asked
        if given == (root_filter("photos"),) and not asked:
            asked += 1
            rig.memory.delete(name, root_filter("photos"))
        return count(name, *given)

    rig.memory.count = losing  # type: ignore[method-assign,assignment]
    report = rig.sync()
    counts = report.counts
    assert (report.exit_code, counts.balanced, counts.scanned) == (0, True, 5)
    assert (counts.added, counts.unchanged) == (5, 0)
    assert (counts.images, counts.texts) == (4, 2)  # the new text was written twice
    assert report.roots[0].skipped == {".bin": 1}
    assert len(report.roots[0].notes) == 1
    assert rig.found() == rig.truth()


def test_an_outage_in_the_middle_of_a_root_tells_what_was_done(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4, 24):
        paint(rig.folder / f"{number:02d}.png", (255, number, 0))
    listing = FolderSource.iter_records

    def fail(source: FolderSource, *given: Any) -> Any:
        for number, record in enumerate(listing(source, *given)):
            if number == 20:  # the first sixteen are under way
                wait_for_points(rig)
                raise SourceUnavailable("the bucket does not answer")
            yield record

    with monkeypatch.context() as patched:
        patched.setattr(FolderSource, "iter_records", fail)
        report = rig.sync()
    assert (report.exit_code, [one.kind for one in report.problems]) == (69, ["SourceUnavailable"])
    done = report.counts.added
    assert 0 < done < 24
    assert (report.counts.scanned, report.counts.images, len(rig.found())) == (done, done, done)
    assert not report.is_interrupted
    assert json.dumps(report.to_json())
    assert rig.sync().counts.added == 24 - done


def test_an_item_that_nobody_listed_under_new_settings_is_looked_at_when_it_is_back(
    rig: Rig,
) -> None:
    for number in range(12):
        write(rig.folder / "sub" / f"{number}.txt", "green " * 40 + "red " * number)
    rig.sync()
    time.sleep(2.1)  # older than the tick of a clock, so that stamps are kept
    rig.sync(checksum=True)
    rig._settings = {"chunk_overlap_tokens": 0}
    away = rig.folder.parent / "away"
    (rig.folder / "sub").rename(away)
    assert rig.sync().exit_code == 5
    away.rename(rig.folder / "sub")
    assert rig.sync().exit_code == 0
    assert rig.found() == rig.truth()
