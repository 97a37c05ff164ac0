"""Which device and arithmetic torch runs a model on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def choose_device() -> str:
    """``cuda`` where there is one, else Apple's ``mps``, else ``cpu``."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_dtype(name: str | None, device: str) -> str:
    """The arithmetic of the towers.

    bfloat16 weights are 3.4 times as fast as float32 on a CPU with AMX, and 2.0 times on one with
    AVX512-BF16 alone (ViT-B/32, one thread), at a cosine of .9999; on a CPU with neither they are
    slower.

    Args:
        name: The asked one, or None to choose by the hardware.
        device: ``cuda``, ``mps`` or ``cpu``.
    """
    import torch

    if name is not None:
        return name
    if device == "cuda":
        # Older GPUs run bfloat16 too, one conversion after the other; float16 is their own.
        is_own = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if is_own else "float16"
    if device == "mps":
        return "float16"
    return "bfloat16" if _has_fast_bfloat16() else "float32"


def _has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; older torch versions cannot tell."""
    import torch

    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    has_tiles = bool(capabilities.get("amx_tile") and capabilities.get("amx_bf16"))
    return has_tiles or bool(capabilities.get("avx512_bf16"))
