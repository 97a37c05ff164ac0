"""Reports: exit codes and sums."""

from __future__ import annotations

import json

from schemas.errors import DecodeError
from schemas.report import Counts, Failure, RunReport
from schemas.sync_report import RootProblem

FAILURE = Failure.from_error(DecodeError("folder://p/a.jpg", "ends early"), "/p/a.jpg")


def test_a_failure_keeps_what_the_error_said() -> None:
    assert Failure("folder://p/a.jpg", "/p/a.jpg", "DecodeError", "ends early") == FAILURE


def test_a_run_with_failures_exits_with_3() -> None:
    report = RunReport("p", "/p", "index", "c__g001", "model", "blake3:00")
    assert report.exit_code == 0
    failed = RunReport("p", "/p", "index", "c", "m", "f", Counts(scanned=1, failed=1), (FAILURE,))
    assert failed.exit_code == 3
    stopped = RunReport("p", "/p", "i", "c", "m", "f", failures=(FAILURE,), interrupted=True)
    assert stopped.exit_code == 130
    assert json.loads(json.dumps(failed.to_json()))["failures"] == [
        {
            "source_uri": "folder://p/a.jpg",
            "location": "/p/a.jpg",
            "kind": "DecodeError",
            "message": "ends early",
            "attempts": 1,
            "content_hash": "",
            "fingerprint": "",
        }
    ]


def test_counts_balance_only_when_every_item_is_counted_once() -> None:
    assert Counts(scanned=4, added=1, updated=1, unchanged=1, failed=1).balanced
    assert not Counts(scanned=4, added=1).balanced


def test_a_problem_says_the_name_of_its_root_once() -> None:
    said = [
        str(RootProblem("photos", "MassDeleteRefused", f"{prefix}/p is empty", 5))
        for prefix in ("", "photos: ")
    ]
    assert said == ["MassDeleteRefused: photos: /p is empty"] * 2
