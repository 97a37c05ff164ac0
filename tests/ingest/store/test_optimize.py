"""The vector index of an embedded collection: built in a child process, worth having, safe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qdrant_client import models

from ingest.store.connect import connect
from ingest.store.embedded import optimize
from schemas.errors import CollectionMissing, LockHeld, StoreRejected
from schemas.vectors import sparse_vector_params, to_sparse_vector, to_vectors
from schemas.words import WORDS, to_query_weights
from tests.ingest.store.samples import IMAGES, create, point_alias, to_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.store.engine import Engine

ROOT = Path(__file__).resolve().parents[3]
POINTS, DIMENSION, CLUSTERS = 12_000, 64, 60
FEW = 4_000
BATCH = 500


def to_rows() -> NDArray[np.float32]:
    """Unit vectors in clusters, as the vectors of a model are."""
    generator = np.random.default_rng(3)
    centres = generator.normal(size=(CLUSTERS, DIMENSION))
    rows = centres[generator.integers(0, CLUSTERS, POINTS)]
    rows = rows + 0.7 * generator.normal(size=rows.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


ROWS = to_rows()


def fill(engine: Engine, name: str, points: int) -> None:
    """A collection whose vectors, 1 MB or 3, are well beyond its threshold of half a MB."""
    engine.create_collection(
        name,
        models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=500),
        hnsw_config=models.HnswConfigDiff(full_scan_threshold=500),
    )
    engine.create_payload_index(name, "modality", models.PayloadSchemaType.KEYWORD)
    for start in range(0, points, BATCH):
        engine.upsert(
            name,
            [
                models.PointStruct(
                    id=number,
                    vector=ROWS[number].tolist(),
                    payload={"modality": "image" if number % 2 else "text"},
                )
                for number in range(start, start + BATCH)
            ],
        )


@pytest.fixture(params=[POINTS])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "index"
    with connect(str(path)) as engine:
        fill(engine, "c", request.param)
        point_alias(engine, "alias", "c")
    return path


few_points = pytest.mark.parametrize("index", [FEW], indirect=True)


LEAST_RECALL = 0.9
"""Rows without any structure are the hardest to find, and the graph of two builds differs by the
turns that their threads took: a build that found .93 was seen."""


def recall(engine: Engine, queries: NDArray[np.float32]) -> float:
    """Mean recall@10 among the images, against exact cosines."""
    images = np.arange(1, POINTS, 2)
    hits = 0
    for query in queries:
        best = images[np.argsort(-(ROWS[images] @ query))[:10]]
        found = engine.query_points("c", query.tolist(), query_filter=IMAGES, limit=10).points
        hits += len({point.id for point in found} & set(best.tolist()))
    return hits / (10 * len(queries))


def test_an_index_is_built_once_and_finds_the_same(index: Path) -> None:
    generator = np.random.default_rng(4)
    queries = ROWS[:60] + 0.1 * generator.normal(size=(60, DIMENSION)).astype(np.float32)
    with connect(str(index)) as engine:
        assert engine.get_collection("c").indexed_vectors_count == 0
        assert recall(engine, queries) == 1.0
        assert engine.optimize("alias")
        assert engine.get_collection("c").indexed_vectors_count == POINTS
        assert engine.count("c", IMAGES).count == POINTS // 2
        assert recall(engine, queries) >= LEAST_RECALL
        assert not engine.optimize("c")
        engine.upsert("c", [models.PointStruct(id=1, vector=ROWS[7].tolist(), payload={})])
        assert engine.query_points("c", ROWS[7].tolist(), limit=2).points[1].score > 0.9999
    with connect(str(index)) as engine:
        assert engine.get_collection("c").points_count == POINTS


def test_words_do_not_count_as_vectors_with_an_index(tmp_path: Path) -> None:
    params = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    small = models.OptimizersConfigDiff(indexing_threshold=FEW * DIMENSION * 4 // 1024 // 2)
    with connect(str(tmp_path / "index")) as engine:
        engine.create_collection(
            "c", params, sparse_vectors_config=sparse_vector_params(), optimizers_config=small
        )
        for start in (0, FEW):
            engine.upsert(
                "c",
                [
                    models.PointStruct(
                        id=number, vector=to_vectors(ROWS[number].tolist(), [f"a b c{number}"])
                    )
                    for number in range(start, start + FEW)
                ],
            )
            assert engine.optimize("c")
            assert not engine.optimize("c")
        words = to_sparse_vector(to_query_weights(f"c{FEW + 1}"))
        request = models.QueryRequest(query=words, using=WORDS, limit=3)
        (response,) = engine.query_batch_points("c", [request])
        assert [point.id for point in response.points] == [FEW + 1]


@few_points
def test_the_index_stays_locked_while_the_child_builds(index: Path) -> None:
    refusals: list[Exception] = []
    with connect(str(index)) as engine:
        builder = threading.Thread(target=engine.optimize, args=("c",))
        builder.start()
        while builder.is_alive():
            with pytest.raises(LockHeld) as caught:
                connect(str(index))
            refusals.append(caught.value)
            time.sleep(0.05)
        builder.join()
        assert engine.get_collection("c").indexed_vectors_count == FEW
    holders = {str(refusal).split("process ")[1].split()[0] for refusal in refusals}
    assert str(os.getpid()) in holders


def test_a_killed_build_leaves_a_usable_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(str(index)) as engine:
        for delay_seconds in (0.02, 0.3):
            with monkeypatch.context() as patch:
                patch.setattr(subprocess, "run", partial(_run_and_kill, delay_seconds))
                with pytest.raises(StoreRejected, match=r"status -9 .*no point is lost"):
                    engine.optimize("c")
            assert engine.count("c").count == POINTS
            assert recall(engine, ROWS[:3]) == 1.0
        engine.upsert("c", [models.PointStruct(id=POINTS, vector=ROWS[0].tolist(), payload={})])
    with connect(str(index)) as engine:
        assert engine.count("c").count == POINTS + 1
        assert engine.optimize("c")
        assert recall(engine, ROWS[:20]) >= LEAST_RECALL


def _run_and_kill(
    delay_seconds: float, command: list[str], *, pass_fds: list[int], **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """``subprocess.run`` of the real child, killed once it has signed the lock and is at work."""
    for unused in ("capture_output", "check"):
        options.pop(unused)
    child = subprocess.Popen(command, pass_fds=pass_fds, stderr=subprocess.PIPE, **options)
    while os.pread(pass_fds[0], 32, 0).split() != [str(child.pid).encode()]:
        assert child.poll() is None, "the child ended before it began"
        time.sleep(0.005)
    time.sleep(delay_seconds)
    child.send_signal(signal.SIGKILL)
    _, errors = child.communicate()
    return subprocess.CompletedProcess(command, child.returncode, b"", errors)


@few_points
def test_by_hand(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with connect(str(index)):
        assert optimize.main([str(index), "c"]) == LockHeld.exit_code
    assert "one process at a time" in capsys.readouterr().err
    assert optimize.main([str(index), "nothing"]) == CollectionMissing.exit_code
    assert optimize.main([str(index / "elsewhere"), "c"]) == StoreRejected.exit_code
    assert not (index / "elsewhere").exists()
    command = [sys.executable, "-m", "ingest.store.embedded.optimize", str(index), "alias"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert built.stdout == "index built\n"
    assert optimize.main([str(index), "alias"]) == 0
    assert capsys.readouterr().out == "nothing to build\n"


def test_the_child_loads_no_client() -> None:
    code = "import sys, ingest.store.embedded.optimize; print('qdrant_client' in sys.modules)"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_small_collections_start_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        pytest.fail("a child was started")

    monkeypatch.setattr(subprocess, "run", run)
    with connect(str(tmp_path / "index")) as engine:
        create(engine, "c")
        engine.upsert("c", to_points())
        assert not engine.optimize("c")
