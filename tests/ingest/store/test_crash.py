"""No acknowledged point is lost, whenever the writing process dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.store.connect import connect
from schemas.errors import StoreRejected
from tests.ingest.store.samples import AXIS, create

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]

WRITE = """
import sys
from qdrant_client import models
from ingest.store.connect import connect
engine = connect(sys.argv[1])
batch = engine.count("c").count // 8
while True:
    engine.upsert("c", [
        models.PointStruct(id=batch * 8 + i, vector=[1.0, batch, i, 0], payload={"batch": batch})
        for i in range(8)
    ])
    print(batch, flush=True)
    batch += 1
"""


def start_writer(index: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(index)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("kill_after_batches", [1, 25])
def test_kill_9_loses_no_acknowledged_point(tmp_path: Path, kill_after_batches: int) -> None:
    index = tmp_path / "index"
    with connect(str(index)) as engine:
        create(engine, "c")
    for _ in range(2):
        with start_writer(index) as writer:
            acknowledged = list(_first_lines(writer, kill_after_batches))
            time.sleep(0.002 * kill_after_batches % 0.013)
            writer.send_signal(signal.SIGKILL)
            assert writer.stdout is not None
            acknowledged += writer.stdout.read().split()
        with connect(str(index)) as engine:
            count = engine.count("c").count
            ids = [i for batch in acknowledged for i in range(int(batch) * 8, int(batch) * 8 + 8)]
            assert len(engine.retrieve("c", ids)) == len(ids)
            # Whole batches only: the last one, not acknowledged, is there or not.
            assert count % 8 == 0
            assert count - (int(acknowledged[-1]) + 1) * 8 in (0, 8)
            by_search = engine.query_points("c", AXIS, limit=count).points
            assert len(by_search) == count


def _first_lines(writer: subprocess.Popen[str], number: int) -> Iterator[str]:
    assert writer.stdout is not None
    for _ in range(number):
        line = writer.stdout.readline()
        assert line, writer.stderr.read() if writer.stderr else ""
        yield line.strip()


def test_a_damaged_segment_is_refused_with_advice(tmp_path: Path) -> None:
    index = tmp_path / "index"
    with connect(str(index)) as engine:
        create(engine, "c")
    for path in (index / "collections").rglob("version.info"):
        path.write_bytes(b"")
    with (
        connect(str(index)) as engine,
        pytest.raises(StoreRejected, match="restore the index from a copy, or remove"),
    ):
        engine.count("c")
