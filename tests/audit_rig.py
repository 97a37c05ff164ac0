"""A synchronised folder, an audit of it, and a repair that must leave nothing to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qdrant_client import models

from ingest.sync.session import SyncOptions
from ingest.verify.job import VerifyJob
from schemas.collection import to_point_id
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.audit import AuditReport

LONG = " ".join(f"word{number} red" for number in range(9))
"""A text of several chunks."""

RED = "folder://photos/red.png"
BLUE = "folder://photos/blue.png"
TEXT = "folder://photos/long.txt"
GENERATION = "diptych__g001"


def make_rig(base: Path) -> Rig:
    """Two pictures and a text, synchronised."""
    made = Rig(base)
    paint(made.folder / "red.png", (255, 0, 0))
    paint(made.folder / "blue.png", (0, 0, 255))
    write(made.folder / "long.txt", LONG)
    made.sync()
    return made


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
