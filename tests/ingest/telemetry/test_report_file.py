"""Report files: whole, in the order of time, and no more than wanted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.durable import replacing
from ingest.telemetry.report_file import archive_report, write_report
from schemas.errors import StoreError
from tests.sync_reports import UNMOUNTED, make_report

FULL = Path("/dev/full")


def test_a_report_is_what_the_command_prints_as_json(tmp_path: Path) -> None:
    path = tmp_path / "new" / "last.json"
    write_report(path, make_report())
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(
        json.dumps(make_report().to_json())
    )
    assert [one.name for one in path.parent.iterdir()] == ["last.json"]


def test_names_that_are_no_utf8_are_written(tmp_path: Path) -> None:
    write_report(tmp_path / "last.json", make_report(url="ix-\udcff"))
    assert json.loads((tmp_path / "last.json").read_text(encoding="utf-8"))["url"] == "ix-\udcff"


def test_what_cannot_be_written_says_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(
        StoreError, match="4 added, 1 updated, 0 moved, 6 deleted, 2 failed"
    ) as caught:
        write_report(tmp_path / "file" / "last.json", make_report())
    assert caught.value.exit_code == 74
    with pytest.raises(StoreError, match="the run itself ended with exit status 69"):
        write_report(tmp_path / "file" / "last.json", make_report(problems=(UNMOUNTED,)))


def test_a_replacement_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    write_report(path, make_report(run_id="old"))
    before = path.read_bytes()
    with pytest.raises(TypeError), replacing(path) as stream:
        json.dump({"half": "a report", "and": object()}, stream)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["last.json"]


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
def test_a_full_disk_leaves_no_piece_behind(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.symlink_to(FULL)
    with (
        pytest.raises(OSError, match="No space left"),
        replacing(tmp_path / "last.json", fresh) as stream,
    ):
        stream.write("some")
    assert list(tmp_path.iterdir()) == []


def test_two_processes_may_replace_one_file(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    script = (
        "import sys; from pathlib import Path; from ingest.durable import replacing\n"
        "for _ in range(200):\n"
        "    with replacing(Path(sys.argv[1])) as stream: stream.write(sys.argv[2] * 5000)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), letter]) for letter in "ab"
    ]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            assert path.read_text(encoding="utf-8") in {"a" * 5000, "b" * 5000}
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [one.name for one in tmp_path.iterdir()] == ["last.json"]


def test_the_newest_reports_are_kept(tmp_path: Path) -> None:
    for hour in range(6):
        started = f"2026-03-01T0{hour}:00:00+00:00"
        archive_report(tmp_path, make_report(started_at=started, run_id=f"r{hour}"), keep=3)
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "20260301T030000Z-r3.json",
        "20260301T040000Z-r4.json",
        "20260301T050000Z-r5.json",
    ]


def test_a_clock_set_back_by_a_year_does_not_cost_the_report_of_now(tmp_path: Path) -> None:
    for day in (1, 2):
        archive_report(tmp_path, make_report(started_at=f"2027-03-0{day}T00:00:00+00:00"), keep=2)
    path = archive_report(tmp_path, make_report(run_id="now"), keep=2)
    kept = sorted(one.name[:8] for one in (tmp_path / "reports").iterdir())
    assert path.exists()
    assert kept == ["20260301", "20270302"]


def test_times_of_other_zones_are_put_in_order(tmp_path: Path) -> None:
    path = archive_report(tmp_path, make_report(started_at="2026-03-01T01:30:00+02:00"))
    assert path.name.startswith("20260228T233000Z-")
