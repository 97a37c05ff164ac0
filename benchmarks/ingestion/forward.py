"""The speed of the bare model: forward passes on ready tensors, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.models import SIDE_PIXELS

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WORKERS = 2
BATCHES = (8, 16, 32)


def load_model(folder: str, dtype: str) -> SentenceTransformer:
    """The model as sentence-transformers loads it, on the CPU.

    Args:
        folder: Of the model.
        dtype: ``float32`` or ``bfloat16``.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        folder,
        device="cpu",
        local_files_only=True,
        model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
    )
    return model.eval()


def measure_forward(model: SentenceTransformer, batch_size: int, images: int) -> float:
    """Images a second through the image tower, with two workers of one thread each.

    Args:
        model: Of :func:`load_model`.
        batch_size: Images in one pass.
        images: About how many in all.
    """
    import torch

    passes = max(1, images // (batch_size * WORKERS))
    pixels = torch.randn(batch_size, 3, SIDE_PIXELS, SIDE_PIXELS).to(model.dtype)

    def work(_: int) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            for _ in range(passes):
                model({"pixel_values": pixels, "modality": "image"})

    with ThreadPoolExecutor(WORKERS) as pool:
        start = perf_counter()
        list(pool.map(work, range(WORKERS)))
        taken = perf_counter() - start
    return passes * batch_size * WORKERS / taken
