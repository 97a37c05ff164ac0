"""A tower on torch: on a GPU where there is one, else on the CPU."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ingest.encoders.runtimes.tower import TowerOutOfMemory
from ingest.encoders.transformer.memory import is_out_of_memory, return_memory, to_out_of_memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features
    from schemas.records import Modality


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
        if isinstance(rows, TowerOutOfMemory):
            # Outside of the handler, where the failed pass's tensors are still referenced.
            return_memory()
            raise rows
        return rows

    def _run(self, features: Features) -> NDArray[np.float32] | TowerOutOfMemory:
        """The rows, or the error that says that memory ran out."""
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
            if is_out_of_memory(error):
                return to_out_of_memory(error, self._model.device)
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
