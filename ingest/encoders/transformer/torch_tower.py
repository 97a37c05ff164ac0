"""A tower on torch: on a GPU where there is one, else on the CPU."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ingest.encoders.runtimes.tower import TowerOutOfMemory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features
    from schemas.records import Modality

_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
"""How torch's allocators say it: CUDA by a class of its own, MPS, the CPU and cuBLAS in words."""

_LIBRARIES = ("cublas", "cudnn", "mha_graph")
"""In the errors of CUDA's libraries, which take memory for handles and kernels beside torch's
allocator. Where there is none they say anything: an internal error, a library that is not
initialised, a graph that was expected to be good."""

_SCARCE_BYTES = 256 << 20
"""Free memory of a GPU below which such an error is one of memory; a handle takes tens of MB."""


class TorchTower:
    """One modality of a sentence-transformers model; the towers of a model share its weights.

    Args:
        model: On its device, in its dtype.
        modality: What the tower encodes.
        threads: Threads inside one forward pass on a CPU; None leaves torch's setting alone.
    """

    def __init__(
        self, model: SentenceTransformer, modality: Modality, threads: int | None = None
    ) -> None:
        """Keep the model."""
        self._model = model
        self._notes = {"modality": str(modality)}
        self._threads = threads
        self._told = threading.local()

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Rows as the model gives them; see :class:`~ingest.encoders.runtimes.tower.Tower`."""
        self._tell_threads()
        rows = self._run(features)
        if isinstance(rows, str):
            # Outside of the handler, where the failed pass's tensors are still referenced.
            _return_memory()
            raise TowerOutOfMemory(
                f"the device has no memory for this forward pass ({self._model.device}: {rows}): "
                f"close what else uses it, or choose a smaller model or dtype"
            )
        return rows

    def _run(self, features: Features) -> NDArray[np.float32] | str:
        """The rows, or in what words memory ran out."""
        import torch

        try:
            with torch.inference_mode():
                inputs = {name: self._to_device(value) for name, value in features.items()}
                task = inputs.pop("task", None)
                options = {"task": task} if task else {}
                output = self._model({**self._notes, **inputs}, **options)
                rows: NDArray[np.float32] = output["sentence_embedding"].float().cpu().numpy()
                return rows
        except (RuntimeError, MemoryError) as error:
            if _is_out_of_memory(error):
                return str(error).partition(". ")[0] or type(error).__name__
            raise

    def _tell_threads(self) -> None:
        """OpenMP keeps its number of threads a calling thread: telling one does not tell all."""
        if self._threads and not hasattr(self._told, "threads"):
            import torch

            torch.set_num_threads(self._threads)
            self._told.threads = self._threads

    def _to_device(self, value: Any) -> Any:  # noqa: ANN401 - an array, a tensor, or a note
        import torch

        if not hasattr(value, "shape"):
            return value
        tensor = value if isinstance(value, torch.Tensor) else torch.from_numpy(value)
        dtype = self._model.dtype if tensor.is_floating_point() else None
        device = self._model.device
        if device.type == "cuda":
            # From pinned memory the copy runs beside the computing.
            return tensor.pin_memory().to(device, dtype, non_blocking=True)
        return tensor.to(device, dtype)


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    said = str(error).lower()
    if any(words in said for words in _OUT_OF_MEMORY):
        return True
    return any(name in said for name in _LIBRARIES) and _free_bytes() < _SCARCE_BYTES


def _free_bytes() -> float:
    """Of the GPU; endless where that cannot be told, as after an error that it does not survive."""
    import torch

    try:
        return float(torch.cuda.mem_get_info()[0])
    except (RuntimeError, AssertionError):
        return float("inf")


def _return_memory() -> None:
    """Give what torch keeps for later back to the device."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
