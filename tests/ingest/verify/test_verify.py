"""An audit finds exactly what was spoiled, and its repair encodes exactly what was lost."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qdrant_client import models

from ingest.ledger.ledger import Ledger
from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from ingest.store.write_guard import SYNC_TOKEN
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from ingest.verify.job import VerifyJob
from schemas.audit import FindingKind
from schemas.collection import source_filter, to_point_id
from schemas.errors import CollectionMissing, LockHeld, SettingsError
from schemas.report import EXIT_INTERRUPTED, EXIT_MISMATCH
from schemas.settings import RootSettings
from tests.sync_rig import CountingEncoder, Rig, paint, read_points, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine
    from schemas.audit import AuditReport

LONG = " ".join(f"word{number} red" for number in range(9))
"""A text of several chunks."""

RED = "folder://photos/red.png"
BLUE = "folder://photos/blue.png"
TEXT = "folder://photos/long.txt"
GENERATION = "diptych__g001"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Two pictures and a text, synchronised."""
    made = Rig(tmp_path)
    paint(made.folder / "red.png", (255, 0, 0))
    paint(made.folder / "blue.png", (0, 0, 255))
    write(made.folder / "long.txt", LONG)
    made.sync()
    yield made
    made.close()


def verify(rig: Rig, *, repairs: bool = False, settings: Any = None, **options: Any) -> AuditReport:
    """One audit of everything that the collection remembers."""
    rig.encoder.encoded = 0
    rig.engine.writes = 0
    engine: Any = rig.engine
    chosen = SyncOptions(show_progress=False, **options)
    job = VerifyJob([], settings or rig.settings(), options=chosen, repairs=repairs)
    return job.run(engine=engine, encoder=rig.encoder)


def found(report: AuditReport) -> list[tuple[str, str]]:
    """Kind and item of every finding."""
    return [(str(one.kind), one.source_uri) for one in report.findings]


def mend(rig: Rig, *, encoded: int, **options: Any) -> AuditReport:
    """Repair; then everything is as a fresh ingest would have made it."""
    report = verify(rig, repairs=True, **options)
    assert (found(report), report.exit_code) == ([], 0)
    assert rig.encoder.encoded == encoded
    assert rig.found() == rig.truth()
    assert found(verify(rig)) == []
    assert (rig.sync().counts.unchanged, rig.engine.writes) == (3, 0)
    return report


def read_point(rig: Rig, uri: str, ordinal: int = 0) -> models.PointStruct:
    """One point as it could be written again."""
    ids = [to_point_id(uri, ordinal)]
    (point,) = rig.memory.retrieve(GENERATION, ids, with_vectors=True)
    vector: Any = point.vector
    return models.PointStruct(id=point.id, vector=vector, payload=point.payload)


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
    from ingest.ledger.ledger import Settled
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


def test_a_root_that_is_gone_is_unreachable_and_its_points_stay(rig: Rig) -> None:
    rig.folder.rename(rig.folder.with_name("away"))
    report = verify(rig, repairs=True)
    assert [str(one.kind) for one in report.findings] == ["unreachable"]
    assert report.exit_code == EXIT_MISMATCH
    assert (report.roots, report.points) == ((), len(rig.found()))


def test_what_cannot_be_read_is_unreachable(rig: Rig) -> None:
    (rig.folder / "red.png").unlink()
    (rig.folder / "red.png").symlink_to(rig.folder.parent / "nowhere.png")
    report = verify(rig)
    assert found(report) == [("unreachable", RED)]
    assert report.findings[0].message.startswith("cannot be read: ")


def test_what_is_known_to_fail_is_no_finding(rig: Rig) -> None:
    write(rig.folder / "broken.png", "no picture")
    rig.sync()
    assert found(verify(rig)) == []
    shutil.rmtree(rig.state / "ledger")  # the dead letters say it, too
    assert found(verify(rig)) == []


def test_a_ledger_that_disagrees_is_named(rig: Rig) -> None:
    ledger = Ledger(rig.state / "ledger" / f"{GENERATION}.sqlite")
    ledger.forget([RED])
    ledger.close()
    report = verify(rig)
    assert found(report) == [("unledgered", RED)]
    mend(rig, encoded=0)


def test_a_lost_ledger_is_no_finding(rig: Rig) -> None:
    shutil.rmtree(rig.state / "ledger")
    token = rig.memory.read_metadata(GENERATION)[SYNC_TOKEN]
    assert found(verify(rig)) == []
    assert rig.memory.read_metadata(GENERATION)[SYNC_TOKEN] == token
    assert rig.engine.writes == 0


def test_everything_at_once_is_mended_with_as_many_calls_as_were_lost(rig: Rig) -> None:
    rig.memory.delete(GENERATION, source_filter(RED))
    rig.memory.set_payload(GENERATION, {"content_hash": "blake3:0"}, source_filter(BLUE))
    point = read_point(rig, TEXT)
    point.id = to_point_id("folder://photos/other.txt", 0)
    rig.memory.upsert(GENERATION, [point])
    report = verify(rig)
    assert sorted(found(report)) == [("duplicated", TEXT), ("missing", RED), ("stale", BLUE)]
    assert report.counts == {"missing": 1, "stale": 1, "duplicated": 1}
    mend(rig, encoded=2)


def test_there_must_be_something_to_audit(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with pytest.raises(CollectionMissing):
        verify(rig)
    rig.close()


def test_an_audit_that_is_stopped_says_so(rig: Rig) -> None:
    from threading import Event

    stopping = Event()
    stopping.set()
    engine: Any = rig.engine
    job = VerifyJob([], rig.settings(), stopping=stopping)
    assert job.run(engine=engine, encoder=rig.encoder).exit_code == EXIT_INTERRUPTED


def test_the_report_is_json_and_a_table(rig: Rig) -> None:
    import json

    from ingest.verify.table import to_audit_table

    rig.memory.delete(GENERATION, source_filter(RED))
    report = verify(rig)
    read = json.loads(json.dumps(report.to_json()))
    assert read["exit_code"] == EXIT_MISMATCH
    assert read["counts"] == {"missing": 1}
    assert read["findings"][0]["kind"] == FindingKind.MISSING
    table = to_audit_table(report).splitlines()
    assert table[-3:] == [
        "missing             1",
        f"  missing: {rig.folder / 'red.png'}: it has no points",
        "run again with --repair to mend it",
    ]
    report = verify(rig, repairs=True)
    assert to_audit_table(report).endswith("sources, ledger and collection agree")
    assert json.loads(json.dumps(report.to_json()))["repair"]["command"] == "verify"


def test_an_embedded_index_is_audited_and_mended(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    paint(rig.folder / "red.png", (255, 0, 0))
    write(rig.folder / "long.txt", LONG)
    settings = rig.settings().model_copy(update={"url": str(tmp_path / "index"), "state_dir": None})
    roots = [RootSettings(source=str(rig.folder))]
    encoder = CountingEncoder()
    SyncJob(roots, settings, options=SyncOptions(show_progress=False)).run(encoder=encoder)
    with connect(settings.url) as engine:
        spoil(engine)
        with pytest.raises(LockHeld):
            VerifyJob([], settings).run(encoder=encoder)
    assert VerifyJob([], settings).run(encoder=encoder).counts == {"missing": 1}
    encoder.encoded = 0
    report = VerifyJob([], settings, repairs=True).run(encoder=encoder)
    assert (report.findings, encoder.encoded) == ((), 1)
    with connect(settings.url) as engine:
        assert read_points(engine) == rig.truth()
    rig.close()


def spoil(engine: Engine) -> None:
    generation = resolve_collection(engine, "diptych").name
    engine.delete(generation, source_filter(RED))
    engine.flush()


def test_roots_must_be_known(rig: Rig) -> None:
    rig.memory.update_collection(GENERATION, metadata={"roots": None})
    with pytest.raises(SettingsError):
        verify(rig)


def test_a_damaged_ledger_is_made_anew(rig: Rig) -> None:
    path = rig.state / "ledger" / f"{GENERATION}.sqlite"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    assert found(verify(rig)) == []
    assert len(list(path.parent.glob("*.damaged-*"))) == 1


def test_captions_and_passages_of_a_table_are_as_they_should_be(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    paint(rig.folder / "red.png", (255, 0, 0))
    paint(rig.folder / "blue.png", (0, 0, 255))
    rows = [
        '{"image": "red.png", "caption": "a red thing", "by": "Ann"}',
        '{"image": "blue.png", "caption": "  "}',
        '{"text": "a black door"}',
    ]
    write(rig.folder / "rows.jsonl", "\n".join(rows))
    assert rig.sync(rig.folder / "rows.jsonl").counts.added == 3
    for checksum in (False, True):
        report = verify(rig, checksum=checksum)
        assert (found(report), report.items, report.points) == ([], 3, 4)
    write(rig.folder / "rows.jsonl", "\n".join([rows[0].replace("red thing", "rose"), *rows[1:]]))
    report = verify(rig)
    assert [(str(one.kind), one.message) for one in report.findings] == [("stale", "bytes changed")]
    report = verify(rig, repairs=True)
    assert (found(report), rig.encoder.encoded) == ([], 1)
    rig.close()
