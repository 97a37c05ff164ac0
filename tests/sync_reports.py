"""Reports of runs as they come out of a synchronisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from schemas.report import Counts, Failure, RunReport
from schemas.sync_report import RootProblem, SyncReport

COUNTS = Counts(
    scanned=10, added=4, updated=1, unchanged=3, failed=2, images=3, texts=5, reused=2, deleted=6
)


def make_root(name: str = "photos", **changes: Any) -> RunReport:
    """A root with two failures of one kind and one of another, unless told otherwise."""
    failures = tuple(
        Failure(f"folder://photos/{number}", f"/srv/{number}", kind, "broken")
        for number, kind in enumerate(["DecodeError", "DecodeError", "UnsupportedFormat"])
    )
    report = RunReport(
        root=name,
        location="/srv/photos",
        url="index",
        collection="diptych__g001",
        model_id="hinge-en-1",
        fingerprint="blake3:00",
        counts=COUNTS,
        failures=failures,
        seconds={"total": 2.5},
    )
    return replace(report, **changes)


def make_report(**changes: Any) -> SyncReport:
    """A run over one root that went through it."""
    report = SyncReport(
        run_id="0af7651916cd43dd8448eb211c80319c",
        command="sync",
        started_at="2026-03-01T10:00:00+00:00",
        finished_at="2026-03-01T10:00:05+00:00",
        url="index",
        collection="diptych__g001",
        model_id="hinge-en-1",
        fingerprint="blake3:00",
        roots=(make_root(),),
        points=38,
        seconds=5.25,
    )
    return replace(report, **changes)


UNMOUNTED = RootProblem("photos", "SourceUnavailable", "the folder is empty: is it mounted?", 69)
REFUSED = RootProblem("photos", "MassDeleteRefused", "it would remove 90 of 100 items", 5)
