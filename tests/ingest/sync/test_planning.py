"""A plan says what the run then does, and why, and does nothing itself."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import diptych
from ingest.ledger.ledger import Ledger
from ingest.sync.plan_table import to_plan_table
from schemas.collection import to_point_id
from tests.plan_rig import GENERATION, PREFIX, RED, TEXT, changing, make_rig, plan
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = make_rig(tmp_path)
    yield made
    made.close()


def test_without_a_collection_everything_is_new(rig: Rig) -> None:
    made = plan(rig)
    assert changing(made) == [
        ("add", "blue.png", "new"),
        ("add", "long.txt", "new"),
        ("add", "red.png", "new"),
    ]
    assert rig.memory.get_collections().collections == []
    assert (made.exit_code, made.collection) == (0, "diptych")


def test_after_a_run_everything_is_unchanged(rig: Rig) -> None:
    rig.sync()
    made = plan(rig)
    assert changing(made) == []
    assert made.counts == {
        "add": 0,
        "update": 0,
        "move": 0,
        "unchanged": 3,
        "delete": 0,
        "retry": 0,
        "fail": 0,
    }


def test_what_stamps_settle_is_not_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.sources.stamps.RACY_NS", 0)
    rig.sync()

    def refuse(*_: object) -> bytes:
        raise AssertionError("it was read")

    with monkeypatch.context() as patched:
        patched.setattr("ingest.sources.folder.FolderSource.read", refuse)
        assert changing(plan(rig)) == []
        with pytest.raises(AssertionError, match="it was read"):
            plan(rig, checksum=True)


def test_every_change_has_its_reason(rig: Rig) -> None:
    paint(rig.folder / "old.png", (255, 255, 0))
    paint(rig.folder / "gone.png", (0, 255, 255))
    paint(rig.folder / "touched.png", (255, 255, 255))
    rig.sync()
    chunks = len(rig.found()) - 5
    paint(rig.folder / "red.png", (0, 255, 0))
    paint(rig.folder / "new.png", (9, 9, 9))
    (rig.folder / "old.png").rename(rig.folder / "moved.png")
    (rig.folder / "gone.png").unlink()
    os.utime(rig.folder / "touched.png", (1_000, 1_000))
    (rig.folder / "lost.png").symlink_to(rig.folder.parent / "nowhere.png")
    rig.memory.delete(GENERATION, [to_point_id(TEXT, 1)])
    shutil.rmtree(rig.state / "ledger")
    made = plan(rig)
    said = changing(made)
    assert said[1][2].startswith("cannot be read: ")
    assert [said[0], *((*said[1][:2], ""),), *said[2:]] == [
        ("update", "long.txt", f"incomplete: {chunks - 1} of {chunks} points"),
        ("fail", "lost.png", ""),
        ("move", "moved.png", f"moved from {PREFIX}old.png (same bytes)"),
        ("add", "new.png", "new"),
        ("update", "red.png", "bytes changed"),
        ("update", "touched.png", "listing changed"),
        ("delete", "gone.png", "gone from its source"),
    ]
    counts = rig.sync().counts
    assert (counts.added, counts.deleted, counts.moved, counts.failed) == (2, 2, 1, 1)
    assert counts.updated == made.counts["update"] - 1  # a listing is corrected, not indexed anew


def test_each_item_that_vanished_moves_once(rig: Rig) -> None:
    shutil.copy(rig.folder / "red.png", rig.folder / "twin.png")
    rig.sync()
    (rig.folder / "red.png").rename(rig.folder / "a.png")
    shutil.copy(rig.folder / "a.png", rig.folder / "b.png")
    shutil.copy(rig.folder / "a.png", rig.folder / "c.png")
    (rig.folder / "twin.png").unlink()
    (rig.folder / "blue.png").unlink()
    made = plan(rig)
    assert changing(made) == [
        ("move", "a.png", f"moved from {RED} (same bytes)"),
        ("move", "b.png", f"moved from {PREFIX}twin.png (same bytes)"),
        ("add", "c.png", "new"),
        ("delete", "blue.png", "gone from its source"),
    ]
    assert to_plan_table(made).splitlines()[4:7] == [
        "        2  move      photos: moved from another place (same bytes)",
        "        1  add       photos: new",
        "        1  unchanged photos",
    ]
    changes = rig.sync().counts.changes
    assert changes == {"added": 1, "updated": 0, "moved": 2, "deleted": 1, "failed": 0}
    assert rig.encoder.encoded == 0


def test_another_pipeline_changes_texts_alone(rig: Rig) -> None:
    rig.sync()
    made = plan(rig, rig.settings(chunk_overlap_tokens=1))
    assert changing(made) == [("update", "long.txt", "pipeline changed")]


def test_what_failed_is_left_alone_until_it_changes(rig: Rig) -> None:
    whole = (rig.folder / "red.png").read_bytes()
    (rig.folder / "broken.png").write_bytes(whole[:45])
    rig.sync()
    ((action, path, reason),) = changing(plan(rig))
    assert (action, path) == ("fail", "broken.png")
    assert reason.startswith("failed before and has not changed since: ")
    asked = plan(rig, retry_failed=True)
    assert changing(asked) == [("retry", "broken.png", "asked for by --retry-failed")]
    (rig.folder / "broken.png").write_bytes(whole[:44])
    assert changing(plan(rig)) == [("retry", "broken.png", "failed before and changed since")]


def test_what_an_extra_may_read_by_now_is_tried_again(rig: Rig) -> None:
    write(rig.folder / "broken.png", "no picture")
    rig.sync()
    reason = "failed before, and may not any more: UnsupportedFormat"
    assert changing(plan(rig)) == [("retry", "broken.png", reason)]


def test_what_the_process_died_with_is_left_alone(rig: Rig) -> None:
    rig.sync()
    ledger = Ledger(rig.state / "ledger" / f"{GENERATION}.sqlite")
    paint(rig.folder / "red.png", (0, 255, 0))
    for times in range(3):
        assert ledger.read_deaths("").get(RED, (0, 0)) == (times, 0)
        assert changing(plan(rig)) == [("update", "red.png", "bytes changed")]
        ledger.intend([RED])
        ledger.blame()
    ledger.close()
    reason = "the process died with it time and again: it is left alone for some runs"
    assert changing(plan(rig)) == [("fail", "red.png", reason)]
    rig.sync()
    reason = "left alone for long enough, or changed"
    assert changing(plan(rig)) == [("retry", "red.png", reason)]


def test_the_ledger_and_the_token_stay_as_they_were(rig: Rig) -> None:
    rig.sync()
    before = rig.memory.read_metadata(GENERATION)
    paint(rig.folder / "red.png", (0, 255, 0))
    first = plan(rig).entries
    assert plan(rig).entries == first
    assert rig.memory.read_metadata(GENERATION) == before
    report = rig.sync()
    assert (report.rebuilt, report.counts.updated, rig.encoder.encoded) == (False, 1, 1)
    assert changing(plan(rig)) == []


def test_a_plan_is_json_and_a_table(rig: Rig) -> None:
    rig.sync()
    paint(rig.folder / "red.png", (0, 255, 0))
    made = plan(rig)
    read = json.loads(json.dumps(made.to_json()))
    assert read["counts"]["update"] == 1
    assert read["exit_code"] == 0
    assert read["entries"][2] == {
        "action": "update",
        "root": "photos",
        "source_uri": RED,
        "reason": "bytes changed",
    }
    assert to_plan_table(made).splitlines()[4:] == [
        "        2  unchanged photos",
        "        1  update    photos: bytes changed",
        f"  update {RED}: bytes changed",
    ]


def test_the_table_shows_the_first_entries(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for number in range(22):
        write(rig.folder / f"{number:02}.txt", f"red {number}")
    lines = to_plan_table(plan(rig)).splitlines()
    assert lines[4] == "       22  add       photos: new"
    assert lines[-1] == "  ... and 2 more"
    rig.close()


def test_a_plan_is_not_watched() -> None:
    result = CliRunner().invoke(diptych.cli, ["sync", "--plan", "--watch"])
    assert result.exit_code == 2
    assert "two different things" in result.output
