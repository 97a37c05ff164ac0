"""When torch runs out of memory: how that is told from other errors, and what is said of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ingest.encoders.runtimes.tower import TowerOutOfMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
"""How torch's allocators say it: CUDA by a class of its own, MPS, the CPU and cuBLAS in words."""

_LIBRARIES = ("cublas", "cudnn", "mha_graph")
"""In the errors of CUDA's libraries, which take memory for handles and kernels beside torch's
allocator. Where there is none they say anything: an internal error, a library that is not
initialised, a graph that was expected to be good."""

_SCARCE_BYTES = 256 << 20
"""Free memory of a GPU below which such an error is one of memory; a handle takes tens of MB."""


@contextmanager
def memory_errors(device: object) -> Iterator[None]:
    """Where memory runs out, say so in our own words.

    Raises:
        TowerOutOfMemory: The device has no memory for what was computed.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise to_out_of_memory(error, device) from None
        raise


def to_out_of_memory(error: Exception, device: object) -> TowerOutOfMemory:
    """What to tell of an error that :func:`is_out_of_memory`."""
    said = str(error).partition(". ")[0] or type(error).__name__
    return TowerOutOfMemory(
        f"the device has no memory for this forward pass ({device}: {said}): close what else uses "
        f"it, or choose a smaller model or dtype"
    )


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of torch is one of memory, whatever it says."""
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


def return_memory() -> None:
    """Give what torch keeps for later back to the device."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
