"""Audits as a whole: roots, ledgers, reports, an embedded index."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

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
from tests.audit_rig import BLUE, GENERATION, LONG, RED, TEXT, found, mend, read_point, verify
from tests.sync_rig import CountingEncoder, Rig, paint, read_points, write

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.engine import Engine


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


def test_a_row_whose_id_cannot_be_read_may_be_any_row(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rows = ['{"id": "a", "text": "red"}', '{"id": "b", "text": "blue"}']
    write(rig.folder / "rows.jsonl", "\n".join(rows))
    rig.sync(rig.folder / "rows.jsonl")
    write(rig.folder / "rows.jsonl", "\n".join([rows[0], "{no JSON"]))
    assert [kind for kind, _ in found(verify(rig))] == ["unreachable"]
    rig.close()
