"""An audit finds exactly what was spoiled, and its repair encodes exactly what was lost."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qdrant_client import models

from ingest.ledger.ledger import Ledger
from schemas.collection import source_filter, to_point_id
from schemas.report import EXIT_MISMATCH
from tests.audit_rig import GENERATION, LONG, RED, TEXT, found, mend, read_point, verify
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from pathlib import Path


def test_what_agrees_has_no_findings_and_nothing_is_written(rig: Rig) -> None:
    report = verify(rig)
    assert (report.findings, report.counts, report.exit_code) == ((), {}, 0)
    assert (report.roots, report.items) == (("photos",), 3)
    assert report.points == len(rig.found())
    assert (rig.engine.writes, rig.encoder.encoded) == (0, 0)
    assert report.repair is None


def test_a_repair_of_what_agrees_writes_nothing(rig: Rig) -> None:
    report = verify(rig, repairs=True)
    assert (report.exit_code, report.repair, rig.engine.writes) == (0, None, 0)


def test_an_item_without_points_is_missing(rig: Rig) -> None:
    rig.memory.delete(GENERATION, source_filter(RED))
    report = verify(rig)
    assert found(report) == [("missing", RED)]
    assert report.counts == {"missing": 1}
    assert report.exit_code == EXIT_MISMATCH
    assert (rig.engine.writes, rig.encoder.encoded) == (0, 0)
    assert [str(one.kind) for one in mend(rig, encoded=1).repaired] == ["missing"]


def test_an_item_without_some_of_its_points_is_missing(rig: Rig) -> None:
    chunks = len(rig.found()) - 2
    rig.memory.delete(GENERATION, [to_point_id(TEXT, 1)])
    report = verify(rig)
    assert found(report) == [("missing", TEXT)]
    assert report.findings[0].message == f"incomplete: {chunks - 1} of {chunks} points"
    mend(rig, encoded=chunks)


def test_changed_bytes_are_stale(rig: Rig) -> None:
    paint(rig.folder / "red.png", (0, 255, 0))
    report = verify(rig)
    assert found(report) == [("stale", RED)]
    assert report.findings[0].message == "bytes changed"
    mend(rig, encoded=1)


def test_bytes_that_changed_behind_a_stamp_are_found_by_checksum(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.sources.stamps.RACY_NS", 0)  # fresh files have a stamp, too
    file, chunks = rig.folder / "long.txt", len(rig.found()) - 2
    before = file.stat()
    write(file, LONG.replace("red", "rot"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    lie(rig.state / "ledger" / f"{GENERATION}.sqlite", file, TEXT)
    assert found(verify(rig)) == []
    assert found(verify(rig, checksum=True)) == [("stale", TEXT)]
    mend(rig, encoded=chunks, checksum=True)


def lie(path: Path, file: Path, uri: str) -> None:
    """Let the ledger know a file by the stamp that it has now."""
    from ingest.ledger.rows import Settled
    from ingest.sources.folder import FolderSource

    (record,) = [
        one for one in FolderSource.open(file.parent).iter_records() if one.source_uri == uri
    ]
    ledger = Ledger(path)
    ledger.settle("photos", [Settled(uri, getattr(record, "stamp", None), None, None)])
    ledger.close()


def test_a_touched_file_has_a_stale_listing_and_costs_no_encoding(rig: Rig) -> None:
    os.utime(rig.folder / "red.png", (1_000, 1_000))
    report = verify(rig)
    assert found(report) == [("stale", RED)]
    assert report.findings[0].message == "listing changed"
    mend(rig, encoded=0)


def test_points_of_what_is_gone_are_orphaned(rig: Rig) -> None:
    (rig.folder / "red.png").unlink()
    assert found(verify(rig)) == [("orphaned", RED)]
    report = verify(rig, repairs=True)
    assert (found(report), rig.encoder.encoded) == ([], 0)
    assert rig.found() == rig.truth()


def test_an_orphan_lends_its_vectors_before_it_goes(rig: Rig) -> None:
    (rig.folder / "red.png").rename(rig.folder / "rose.png")
    assert sorted(found(verify(rig))) == [
        ("missing", "folder://photos/rose.png"),
        ("orphaned", RED),
    ]
    mend(rig, encoded=0)


def test_orphans_of_an_empty_root_stay_unless_it_is_allowed(rig: Rig) -> None:
    shutil.rmtree(rig.folder)
    rig.folder.mkdir()
    report = verify(rig, repairs=True)
    assert report.counts == {"orphaned": 3}
    assert report.repair is not None
    assert [one.kind for one in report.repair.problems] == ["MassDeleteRefused"]
    assert verify(rig, repairs=True, allow_mass_delete=True).exit_code == 0
    assert rig.found() == {}


def test_points_of_a_root_that_nobody_remembers_are_orphaned(rig: Rig) -> None:
    stranger = read_point(rig, RED)
    uri = "folder://gone/red.png"
    payload = {**(stranger.payload or {}), "root": "gone", "source_uri": uri}
    point = models.PointStruct(id=to_point_id(uri, 0), vector=stranger.vector, payload=payload)
    rig.memory.upsert(GENERATION, [point])
    assert found(verify(rig)) == [("orphaned", uri)]
    refused = verify(rig, repairs=True)
    assert (found(refused), refused.exit_code) == ([("orphaned", uri)], EXIT_MISMATCH)
    mend(rig, encoded=0, allow_mass_delete=True)


def test_a_point_under_a_wrong_id_is_duplicated(rig: Rig) -> None:
    point = read_point(rig, RED)
    point.id = to_point_id("folder://photos/other.png", 0)
    rig.memory.upsert(GENERATION, [point])
    assert found(verify(rig)) == [("duplicated", RED)]
    mend(rig, encoded=0)


def test_a_point_without_a_payload_of_ours_is_duplicated(rig: Rig) -> None:
    point = read_point(rig, RED)
    point.id, point.payload = to_point_id("x", 0), {"source_uri": 5, "location": ["x"]}
    rig.memory.upsert(GENERATION, [point])
    assert found(verify(rig)) == [("duplicated", "")]
    mend(rig, encoded=0)


def test_a_point_of_another_pipeline_is_of_a_wrong_space(rig: Rig) -> None:
    rig.memory.set_payload(GENERATION, {"fingerprint": "blake3:other"}, [to_point_id(RED, 0)])
    assert found(verify(rig)) == [("wrong_space", RED)]
    mend(rig, encoded=1)


def test_other_settings_leave_no_gap(rig: Rig) -> None:
    other = rig.settings(chunk_overlap_tokens=1)
    assert {(str(kind), uri) for kind, uri in found(verify(rig, settings=other))} == {
        ("wrong_space", TEXT)
    }
    rig._settings["chunk_overlap_tokens"] = 1
    report = verify(rig, repairs=True)
    assert (found(report), rig.found()) == ([], rig.truth())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_a_spoiled_vector_is_not_finite(rig: Rig, value: float) -> None:
    stored = rig.memory._client._client._client.collections[GENERATION]  # type: ignore[attr-defined]
    row = stored.ids[to_point_id(RED, 0)]
    stored.vectors[""][row] = np.full(5, value, dtype=np.float32)
    assert found(verify(rig)) == [("non_finite", RED)]
    mend(rig, encoded=1)
