"""Memory that runs out costs a retry in halves, not the batch, and is remembered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingest.encoders.runtimes.tower import TowerOutOfMemory
from ingest.encoders.transformer.forward_batch import ForwardBatch
from ingest.encoders.transformer.torch_tower import TorchTower
from schemas.records import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")


class Narrow:
    """A model whose device has room for so many rows, and which says so as torch does."""

    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, room: int, error: Exception) -> None:
        self.room = room
        self.error = error
        self.passes: list[int] = []

    def __call__(self, features: dict[str, Any]) -> dict[str, Any]:
        values = features["pixel_values"]
        self.passes.append(len(values))
        if len(values) > self.room:
            raise self.error
        return {"sentence_embedding": values * 2}


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
]

LIBRARY_ERRORS = [
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"),
    RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
    RuntimeError("Expected mha_graph.execute(handle, pack, space).is_good() to be true, but got"),
]
"""What the libraries of CUDA say with 7 to 51 MiB left on the GPU, among other occasions."""


def to_tower(model: Any) -> TorchTower:
    return TorchTower(model, Modality.IMAGE)


def rows(count: int) -> NDArray[np.float32]:
    return np.arange(count * 4, dtype=np.float32).reshape(count, 4)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("count", [1, 5, 12, 32])
def test_the_same_rows_are_tried_again_in_halves(count: int, error: Exception) -> None:
    model = Narrow(5, error)
    batch = ForwardBatch(32, 1024)
    found = batch.run(to_tower(model), {"pixel_values": rows(count)})
    np.testing.assert_array_equal(found, rows(count) * 2)
    if count > model.room:
        assert batch.rows <= count // 2


def test_the_size_grows_while_memory_lasts_and_never_back_to_what_failed() -> None:
    model = Narrow(100, ERRORS[0])
    tower, batch = to_tower(model), ForwardBatch(16, 1024)
    sizes = []
    for _ in range(8):
        sizes.append(batch.rows)
        batch.run(tower, {"pixel_values": rows(batch.rows)})
    assert sizes == [16, 32, 64, 128, 64, 64, 64, 64]
    assert model.passes == [16, 32, 64, 128, 64, 64, 64, 64, 64, 64]


def test_a_part_of_a_batch_tells_nothing_about_the_room_for_more() -> None:
    batch = ForwardBatch(16, 1024)
    batch.run(to_tower(Narrow(100, ERRORS[0])), {"pixel_values": rows(15)})
    assert batch.rows == 16


def test_no_room_for_one_row_is_an_error_that_says_so() -> None:
    tower = to_tower(Narrow(0, ERRORS[0]))
    with pytest.raises(TowerOutOfMemory, match="choose a smaller model or dtype"):
        ForwardBatch(16, 1024).run(tower, {"pixel_values": rows(7)})


def tell_free_memory(patch: pytest.MonkeyPatch, mebibytes: int) -> None:
    patch.setattr(torch.cuda, "mem_get_info", lambda: (mebibytes << 20, 80 << 30))


@pytest.mark.parametrize("error", LIBRARY_ERRORS, ids=range(len(LIBRARY_ERRORS)))
def test_a_library_that_fails_on_a_full_gpu_has_no_memory(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_free_memory(monkeypatch, 51)
    tower = to_tower(Narrow(5, error))
    found = ForwardBatch(32, 1024).run(tower, {"pixel_values": rows(12)})
    np.testing.assert_array_equal(found, rows(12) * 2)
    words = str(error).partition("(")[0].strip()
    with pytest.raises(TowerOutOfMemory, match=words):
        to_tower(Narrow(0, error))({"pixel_values": rows(1)})


@pytest.mark.parametrize("error", LIBRARY_ERRORS, ids=range(len(LIBRARY_ERRORS)))
def test_a_library_that_fails_where_there_is_memory_fails(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_free_memory(monkeypatch, 4000)
    with pytest.raises(RuntimeError, match=str(error)[:20]) as caught:
        to_tower(Narrow(0, error))({"pixel_values": rows(2)})
    assert caught.value is error


def test_a_library_that_fails_on_a_gpu_that_is_gone_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "mem_get_info", fail)
    with pytest.raises(RuntimeError, match="CUDNN_STATUS_INTERNAL_ERROR"):
        to_tower(Narrow(0, LIBRARY_ERRORS[0]))({"pixel_values": rows(2)})


def test_other_errors_are_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    tell_free_memory(monkeypatch, 51)
    tower = to_tower(Narrow(0, RuntimeError("shapes do not match")))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        tower({"pixel_values": rows(2)})


def test_a_thread_computes_on_as_many_threads_as_it_was_told() -> None:
    """OpenMP's setting is a thread's own: a worker that nobody told would take every core."""
    seen: list[int] = []

    class Told(Narrow):
        def __call__(self, features: dict[str, Any]) -> dict[str, Any]:
            seen.append(torch.get_num_threads())
            return super().__call__(features)

    model: Any = Told(8, ERRORS[0])
    tower = TorchTower(model, Modality.IMAGE, threads=1)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(tower, {"pixel_values": rows(2)}).result()
    finally:
        torch.set_num_threads(before)
    assert seen == [1]
