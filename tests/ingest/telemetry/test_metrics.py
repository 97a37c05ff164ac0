"""Metrics: what Prometheus reads, and what a failed run leaves standing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.telemetry.gauges import check_metrics_path
from ingest.telemetry.metrics import write_metrics
from schemas.errors import SettingsError, StoreError
from tests.sync_reports import REFUSED, UNMOUNTED, make_report, make_root

if TYPE_CHECKING:
    from pathlib import Path

END = 1772359205.0
"""2026-03-01T10:00:05 in UTC."""


def read(path: Path) -> dict[tuple[str, ...], float]:
    """Value by metric and labels, the collection aside, which all have."""
    values = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("collection") == "diptych"
            values[sample.name.removeprefix("diptych_"), *labels.values()] = sample.value
    return values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "diptych.prom"


def test_a_run_is_told_by_root_action_and_kind(path: Path) -> None:
    write_metrics(path, make_report(), "diptych")
    assert read(path) == {
        ("last_success_timestamp_seconds",): END,
        ("last_run_timestamp_seconds",): END,
        ("last_run_duration_seconds",): 5.25,
        ("last_run_exit_code",): 3,
        ("last_run_interrupted",): 0,
        ("last_run_ledger_rebuilt",): 0,
        ("points",): 38,
        ("last_run_info", "sync", "diptych__g001", "hinge-en-1"): 1,
        ("last_run_items", "added", "photos"): 4,
        ("last_run_items", "updated", "photos"): 1,
        ("last_run_items", "unchanged", "photos"): 3,
        ("last_run_items", "failed", "photos"): 2,
        ("last_run_items", "deleted", "photos"): 6,
        ("last_run_items", "moved", "photos"): 0,
        ("last_run_items_encoded", "photos"): 3,
        ("last_run_points_written", "image", "photos"): 3,
        ("last_run_points_written", "text", "photos"): 5,
        ("last_run_failures", "DecodeError", "photos"): 2,
        ("last_run_failures", "UnsupportedFormat", "photos"): 1,
        ("last_run_mass_delete_refused", "photos"): 0,
    }
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# HELP diptych_last_success_timestamp_seconds ")
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_failed_run_keeps_the_time_of_the_last_success_and_the_points(path: Path) -> None:
    write_metrics(path, make_report(), "diptych")
    failed = make_report(
        finished_at="2026-03-01T11:00:05+00:00", roots=(), problems=(UNMOUNTED,), points=None
    )
    for _ in range(2):
        write_metrics(path, failed, "diptych")
    told = read(path)
    assert told["last_success_timestamp_seconds",] == END
    assert told["last_run_timestamp_seconds",] == END + 3600
    assert told["last_run_exit_code",] == 69
    assert told["points",] == 38
    assert told["last_run_problems", "SourceUnavailable", "photos"] == 1


def test_a_first_run_that_fails_has_had_no_success(path: Path) -> None:
    write_metrics(path, make_report(problems=(REFUSED,)), "diptych")
    told = read(path)
    assert ("last_success_timestamp_seconds",) not in told
    assert told["last_run_mass_delete_refused", "photos"] == 1
    assert told["last_run_problems", "MassDeleteRefused", "photos"] == 1


def test_a_run_that_was_stopped_is_no_success(path: Path) -> None:
    write_metrics(path, make_report(roots=(make_root(interrupted=True),)), "diptych")
    told = read(path)
    assert ("last_success_timestamp_seconds",) not in told
    assert told["last_run_interrupted",] == 1
    assert told["last_run_exit_code",] == 130


@pytest.mark.parametrize(
    "old",
    [
        b"\xff\xfe\x00",
        b"diptych_last_success_timestamp_seconds{collection=",
        b'diptych_last_success_timestamp_seconds{collection="a"} many\n',
        b"}{\n",
        b"# TYPE\n",
        b"",
    ],
)
def test_an_old_file_that_is_damaged_is_replaced(path: Path, old: bytes) -> None:
    path.write_bytes(old)
    write_metrics(path, make_report(problems=(UNMOUNTED,)), "diptych")
    assert ("last_success_timestamp_seconds",) not in read(path)


def test_names_of_roots_may_hold_anything(path: Path) -> None:
    name = 'a"b\\c\nd-\udcff'
    write_metrics(path, make_report(roots=(make_root(name),)), "diptych")
    assert read(path)["last_run_items", "added", 'a"b\\c\nd-\\udcff'] == 4


def test_a_folder_that_is_not_there_says_what_was_done(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the run itself is done") as caught:
        write_metrics(tmp_path / "none" / "d.prom", make_report(), "diptych")
    assert caught.value.exit_code == 74


def test_a_name_that_no_collector_reads_is_refused(tmp_path: Path) -> None:
    check_metrics_path(tmp_path / "d.prom")
    with pytest.raises(SettingsError, match=r"end in \.prom"):
        check_metrics_path(tmp_path / "metrics.txt")
