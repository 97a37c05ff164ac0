"""Where the time went, and what would help."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.bottleneck import to_advice, to_shares
from ingest.report_table import to_table
from schemas.report import Counts, RunReport

WORKERS = {"read": 2, "decode": 2, "encode": 2}
REPORT = RunReport(
    root="photos",
    location="/photos",
    url="index",
    collection="c__g001",
    model_id="m",
    fingerprint="blake3:0123456789abcdef",
    counts=Counts(scanned=10, added=9, failed=1, images=8, texts=4, tokens=400, reused=2),
    seconds={
        "list": 1.0, "read": 0.5, "compare": 0.5, "decode": 3.0, "cut": 1.0,
        "encode": 18.0, "upsert": 2.0, "pipeline": 10.0, "total": 12.0,
    },
    workers=WORKERS,
    skipped={".mp4": 3, ".bin": 12},
)  # fmt: skip


def test_shares_are_of_the_time_that_all_threads_had() -> None:
    rows = {row.stage: row for row in to_shares(REPORT)}
    assert list(rows) == ["list", "read", "decode", "encode", "upsert", "waiting"]
    assert [row.threads for row in rows.values()] == [1, 2, 2, 2, 1, 8]
    assert [row.seconds for row in rows.values()] == [1.0, 1.0, 4.0, 18.0, 2.0, 54.0]
    assert rows["encode"].share == pytest.approx(18 / 80)
    assert rows["encode"].busy == pytest.approx(0.9)
    assert rows["decode"].busy == pytest.approx(0.2)
    assert sum(row.share for row in rows.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("stage", "seconds", "words"),
    [
        ("encode", 18.0, "The encoder is the limit"),
        ("decode", 19.0, "--decode-workers"),
        ("read", 19.5, "--read-workers"),
        ("upsert", 9.5, "The store is the limit"),
        ("list", 9.9, "Listing is the limit"),
    ],
)
def test_the_busiest_stage_is_named(stage: str, seconds: float, words: str) -> None:
    report = replace(REPORT, seconds={stage: seconds, "pipeline": 10.0, "total": 11.0})
    assert words in to_advice(report)


def test_no_stage_is_blamed_when_none_was_busy() -> None:
    report = replace(REPORT, seconds={"encode": 5.0, "pipeline": 10.0, "total": 11.0})
    assert "No stage was busy" in to_advice(report)
    assert to_advice(replace(REPORT, counts=Counts())) == "Nothing was encoded."
    assert to_shares(replace(REPORT, seconds={"total": 1.0})) == []


def test_the_table_accounts_for_everything() -> None:
    table = to_table(REPORT)
    assert "written    8 image and 4 text points (400 tokens, 0 cut)" in table
    assert "reused     2 items have the bytes of others" in table
    assert "passed over 12 .bin, 3 .mp4" in table
    assert "encode           2      18.0     22%     90%" in table
