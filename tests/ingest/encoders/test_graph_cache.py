"""Built graphs: kept once, checked at each start, rebuilt when damaged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from ingest.encoders.graph_cache import cache_folder, ensure_export, ensure_graph, find_export

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Builder:
    """Counts how often it is asked."""

    def __init__(self, content: bytes = b"a graph") -> None:
        self.content = content
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return self.content


def test_a_graph_is_built_once_and_leaves_one_file(folder: Path) -> None:
    build = Builder()
    assert [ensure_graph("tower", "k1", build) for _ in range(3)] == [b"a graph"] * 3
    assert build.calls == 1
    assert [path.name.split(".")[0] for path in folder.iterdir()] == ["tower-k1"]


def test_another_key_is_another_graph(folder: Path) -> None:
    ensure_graph("tower", "k1", Builder(b"one"))
    assert ensure_graph("tower", "k2", Builder(b"two")) == b"two"
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"a grapH", b"a graph and more"])
def test_a_damaged_file_is_built_again(
    folder: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    ensure_graph("tower", "k1", Builder())
    (kept,) = folder.iterdir()
    kept.write_bytes(damage)
    build = Builder()
    assert ensure_graph("tower", "k1", build) == b"a graph"
    assert build.calls == 1
    assert "damaged" in caplog.text
    assert [path.read_bytes() for path in folder.iterdir()] == [b"a graph"]


def test_a_folder_that_cannot_be_written_costs_only_time(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file where the folder should be")
    build = Builder()
    with caplog.at_level(logging.WARNING):
        assert [ensure_graph("tower", "k1", build) for _ in range(2)] == [b"a graph"] * 2
    assert build.calls == 2
    assert "DIPTYCH_CACHE_DIR" in caplog.text


def test_a_failing_build_leaves_nothing_behind(folder: Path) -> None:
    def fail() -> bytes:
        raise RuntimeError("no weights")

    with pytest.raises(RuntimeError, match="no weights"):
        ensure_graph("tower", "k1", fail)
    assert not folder.exists()


def test_the_folder_is_the_users_own_unless_told_otherwise(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == folder
    monkeypatch.delenv("DIPTYCH_CACHE_DIR")
    assert cache_folder().name == "diptych"


class Writer:
    """Writes a folder of two files and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "graph.onnx").write_bytes(b"a graph")
        (folder / "graph.onnx.data").write_bytes(b"its weights")


def names(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[0] for path in folder.iterdir())


def test_an_export_is_written_once_and_leaves_one_folder(folder: Path) -> None:
    write = Writer()
    assert find_export("tower", "k1") is None
    (first, second) = (ensure_export("tower", "k1", write) for _ in range(2))
    assert first == second == find_export("tower", "k1")
    assert (write.calls, names(folder)) == (1, ["tower-k1"])
    assert (first / "graph.onnx.data").read_bytes() == b"its weights"
    assert ensure_export("tower", "k2", write) != first


@pytest.mark.parametrize("damage", [b"", b"its weighTs", None])
def test_a_damaged_export_is_written_again(
    folder: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    weights = ensure_export("tower", "k1", Writer()) / "graph.onnx.data"
    if damage is None:
        weights.unlink()
    else:
        weights.write_bytes(damage)
    write = Writer()
    assert ensure_export("tower", "k1", write) == weights.parent
    assert weights.read_bytes() == b"its weights"
    assert (write.calls, names(folder)) == (1, ["tower-k1"])
    assert "damaged" in caplog.text


def test_two_that_write_the_same_export_end_with_one(folder: Path) -> None:
    def late(made: Path) -> None:
        Writer()(made)
        ensure_export("tower", "k1", Writer())

    assert ensure_export("tower", "k1", late) == find_export("tower", "k1")
    assert names(folder) == ["tower-k1"]


def test_an_export_into_a_folder_that_cannot_be_written_costs_only_time(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file where the folder should be")
    made = ensure_export("tower", "k1", Writer())
    assert (made / "graph.onnx").read_bytes() == b"a graph"
    assert "DIPTYCH_CACHE_DIR" in caplog.text


def test_a_failing_export_leaves_nothing_behind(folder: Path) -> None:
    def fail(made: Path) -> None:
        Writer()(made)
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        ensure_export("tower", "k1", fail)
    assert not list(folder.iterdir())
