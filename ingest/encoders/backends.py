"""What may run a model's towers, and in which arithmetic. Imports no runtime.

The backend is no part of an embedding space, its arithmetic is: float32 towers of one model agree
to about 1e-6 whatever runs them (checked at export), and a collection's canary stands behind that.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from schemas.errors import ModelUnavailable, SettingsError

DTYPES = {
    "torch": ("float32", "bfloat16", "float16"),
    "onnx": ("float32", "int8"),
    "openvino": ("float32", "bfloat16"),
}
"""Backend -> the arithmetics that it runs."""

BACKENDS = tuple(DTYPES)
"""Names that can be asked for."""

_CPU_FLAGS = Path("/proc/cpuinfo")


def choose_backend(backend: str | None, dtype: str | None, usual: str) -> str:
    """The backend to run.

    Args:
        backend: One of :data:`BACKENDS`; None is the usual one, and ``onnx`` for int8, which
            nothing else runs.
        dtype: The arithmetic asked for, if one is.
        usual: The model's usual backend.

    Raises:
        SettingsError: The backend or the dtype is unknown, or they do not go together.
    """
    if backend is None:
        backend = "onnx" if dtype == "int8" else usual
    if backend not in DTYPES:
        raise SettingsError(f"backend {backend!r} is none of {', '.join(BACKENDS)}")
    known = sorted({name for names in DTYPES.values() for name in names})
    if dtype is not None and dtype not in known:
        raise SettingsError(f"dtype {dtype!r} is none of {', '.join(known)}")
    if dtype is not None and dtype not in DTYPES[backend]:
        others = [name for name, dtypes in DTYPES.items() if dtype in dtypes]
        raise SettingsError(
            f"the {backend} backend computes in {' or '.join(DTYPES[backend])}, not in {dtype}: "
            f"choose the backend {' or '.join(others)}, or another dtype"
        )
    return backend


def require_backend(backend: str) -> None:
    """Name a backend's missing extra before anything is fetched or exported.

    Raises:
        ModelUnavailable: OpenVINO is asked for and not installed.
    """
    if backend == "openvino" and find_spec("openvino") is None:
        raise ModelUnavailable(
            "the openvino backend needs OpenVINO: pip install 'diptych[openvino]'"
        )


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware, as far as Linux tells.

    AVX512-BF16 alone halves the time of a ViT-B/32 (49 against 100 ms an image and core on an AMD
    Zen 4); AMX takes it to 0.3.
    """
    try:
        flags = _CPU_FLAGS.read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags)
