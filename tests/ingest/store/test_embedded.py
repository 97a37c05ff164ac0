"""The embedded index on its folder: one process at a time, nothing lost, nothing strange."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from qdrant_client import models

from ingest.store.connect import connect
from ingest.store.embedded import layout
from ingest.store.embedded.config import SEARCH_EF, to_effort
from schemas.errors import CollectionMissing, LockHeld, StoreRejected
from tests.ingest.store.samples import AXIS, IMAGES, create, point_alias, to_points

ROOT = Path(__file__).resolve().parents[3]


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_everything_is_there_again(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c__g001")
        point_alias(engine, "c", "c__g001")
        engine.upsert("c", to_points())
        engine.delete("c", [9])
        before = engine.query_points("c", AXIS, query_filter=IMAGES, with_vectors=True)
    with connect(str(index)) as engine:
        assert [each.name for each in engine.get_collections().collections] == ["c__g001"]
        assert engine.query_points("c", AXIS, query_filter=IMAGES, with_vectors=True) == before
        info = engine.get_collection("c")
        assert info.config.metadata == {"made_by": "a test"}
        assert list(info.payload_schema) == ["modality"]
        assert info.points_count == 8


HOLD = """
import sys
from ingest.store.connect import connect
engine = connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""

TRY = """
import sys
from ingest.store.connect import connect
from schemas.errors import LockHeld
try:
    connect(sys.argv[1])
except LockHeld as error:
    print(error)
"""


def test_a_second_process_is_turned_away(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
        engine.upsert("c", to_points())
        second = run_python(TRY, str(index))
        said, errors = second.communicate(timeout=60)
        assert f"process {os.getpid()} has this index open" in said, errors
        # Qdrant's own lock would have let the second process damage the first one's files.
        engine.upsert("c", to_points())
        engine.flush()
        assert engine.count("c").count == 9


def test_a_second_engine_of_the_same_process_is_turned_away(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
        with pytest.raises(LockHeld, match=str(os.getpid())):
            connect(str(index))
    with connect(str(index)) as engine:
        assert engine.collection_exists("c")


def test_the_lock_ends_with_its_process(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(index)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(LockHeld, match=str(holder.pid)):
            connect(str(index))
        holder.kill()
    with connect(str(index)) as engine:
        assert engine.collection_exists("c")


def test_looking_leaves_no_trace(index: Path) -> None:
    with connect(str(index)) as engine:
        assert engine.get_collections().collections == []
        assert not engine.collection_exists("c")
        with pytest.raises(CollectionMissing, match="there: none"):
            engine.count("c")
        engine.flush()
    assert not index.exists()


def test_a_tilde_without_a_user_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with connect("~nobody-of-that-name/index") as engine:
        create(engine, "c")
    assert (tmp_path / "~nobody-of-that-name" / "index").is_dir()


def test_two_that_looked_first_make_one_index(index: Path) -> None:
    with connect(str(index)) as first, connect(str(index)) as second:
        create(first, "c")
        with pytest.raises(LockHeld):
            create(second, "d")


def test_an_empty_folder_becomes_an_index(index: Path) -> None:
    index.mkdir()
    with connect(str(index)) as engine:
        create(engine, "c")
    assert layout.marker(index).exists()


def test_other_peoples_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(StoreRejected, match="not a Diptych index"):
        connect(str(tmp_path))
    with pytest.raises(StoreRejected, match="not a Diptych index"):
        connect(str(tmp_path / "photo.jpg"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_an_index_of_a_later_format_is_refused(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
    layout.marker(index).write_text(json.dumps({"format": 99}))
    with pytest.raises(StoreRejected, match="format 99"):
        connect(str(index))


def test_a_damaged_file_is_named(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
    layout.config(index, "c").write_text('{"vec')
    with pytest.raises(StoreRejected, match=r"collection\.json cannot be read"):
        connect(str(index))


def test_binary_codes_are_not_offered(index: Path) -> None:
    binary = models.BinaryQuantization(binary=models.BinaryQuantizationConfig())
    params = models.VectorParams(size=4, distance=models.Distance.COSINE)
    with connect(str(index)) as engine:
        with pytest.raises(StoreRejected, match="int8 only"):
            engine.create_collection("c", params, quantization_config=binary)
        assert not engine.collection_exists("c")


def test_a_payload_that_is_not_json_names_its_point(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
        for payload in ({"at": float("nan")}, {"at": object()}):
            point = models.PointStruct(id=7, vector=AXIS, payload=payload)
            with pytest.raises(StoreRejected, match="point 7"):
                engine.upsert("c", [point])
        for point_id in ("no uuid", -1, 2**64):
            with pytest.raises(StoreRejected, match="UUID"):
                engine.retrieve("c", [point_id])


def test_a_missing_shard_is_an_error_of_ours(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
        engine.flush()
    for file in layout.shard(index, "c").rglob("edge_config.json"):
        file.write_text("{")
    with connect(str(index)) as engine, pytest.raises(StoreRejected):
        engine.count("c")


def test_a_failing_flush_lets_go_of_the_lock(index: Path) -> None:
    engine = connect(str(index))
    create(engine, "c__g001")
    engine.upsert("c__g001", to_points())
    shutil.rmtree(layout.shard(index, "c__g001"))
    with pytest.raises(StoreRejected):
        engine.close()
    with connect(str(index)) as again:
        assert again.collection_exists("c__g001")


def test_a_creation_that_was_cut_short_leaves_nothing(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "whole")
        create(engine, "half")
    layout.config(index, "half").unlink()
    with connect(str(index)) as engine:
        assert [each.name for each in engine.get_collections().collections] == ["whole"]
        assert not layout.folder(index, "half").exists()
        create(engine, "half")
        assert engine.count("half").count == 0


def test_a_file_that_a_desktop_left_beside_the_collections_is_no_matter(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c__g001")
    (index / "collections" / ".DS_Store").write_bytes(b"a desktop's own")
    with connect(str(index)) as engine:
        assert engine.collection_exists("c__g001")


def test_a_swap_of_an_alias_shows_one_collection_or_the_other(index: Path) -> None:
    """A reader in another thread never sees an error, an empty alias or a mixture."""
    with connect(str(index)) as engine:
        for generation, modality in (("c__g001", "image"), ("c__g002", "text")):
            create(engine, generation)
            engine.upsert(
                generation,
                [models.PointStruct(id=i, vector=AXIS, payload={"kind": modality}) for i in (1, 2)],
            )
        point_alias(engine, "c", "c__g001")
        seen: set[tuple[str, ...]] = set()
        is_over = threading.Event()

        def read() -> None:
            while not is_over.is_set():
                points = engine.query_points("c", AXIS).points
                seen.add(tuple(str((point.payload or {})["kind"]) for point in points))

        reader = threading.Thread(target=read)
        reader.start()
        for turn in range(40):
            point_alias(engine, "c", f"c__g{turn % 2 + 1:03d}")
        is_over.set()
        reader.join()
        assert seen <= {("image", "image"), ("text", "text")}
        assert seen


def test_threads_take_turns(index: Path) -> None:
    with connect(str(index)) as engine:
        create(engine, "c")
        failures: list[Exception] = []

        def write_and_read(first: int) -> None:
            try:
                for number in range(first, first + 100, 10):
                    engine.upsert(
                        "c",
                        [
                            models.PointStruct(id=i, vector=[1.0, i, 0, 0], payload={})
                            for i in range(number, number + 10)
                        ],
                    )
                    engine.query_points("c", AXIS)
                    engine.flush()
            except Exception as error:  # noqa: BLE001 - told to the test below
                failures.append(error)

        threads = [threading.Thread(target=write_and_read, args=(i * 100,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert engine.count("c").count == 300


@pytest.mark.parametrize(
    ("points", "effort"),
    [(0, SEARCH_EF), (1, SEARCH_EF), (100_000, SEARCH_EF), (1_000_000, 288), (10_000_000, 416)],
)
def test_a_larger_index_is_searched_with_more_effort(points: int, effort: int) -> None:
    assert to_effort(points) == effort
