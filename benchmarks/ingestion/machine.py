"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8")
_PACKAGES = (
    "torch",
    "sentence-transformers",
    "transformers",
    "onnxruntime",
    "openvino",
    "pillow",
    "numpy",
    "qdrant-client",
    "qdrant-edge-py",
    "pyarrow",
)


def read_machine() -> dict[str, object]:
    """Processor, its vector instructions, cores, memory and versions; JSON-ready."""
    model, flags = _read_cpu()
    return {
        "cpu": model or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "flags": {flag: flag in flags for flag in _FLAGS},
        "memory_gib": _read_memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _read_version(name))},
    }


def to_sentence(machine: dict[str, object]) -> str:
    """The facts in one line."""
    flags = machine["flags"]
    packages = machine["packages"]
    assert isinstance(flags, dict)  # noqa: S101 - our own dict
    assert isinstance(packages, dict)  # noqa: S101 - likewise
    has = ", ".join(flag for flag, is_there in flags.items() if is_there) or "none"
    lacks = ", ".join(flag for flag, is_there in flags.items() if not is_there) or "none"
    versions = ", ".join(f"{name} {found}" for name, found in packages.items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores (has {has}; lacks {lacks}), "
        f"{machine['memory_gib']} GiB, Python {machine['python']}; {versions}."
    )


def _read_cpu() -> tuple[str, frozenset[str]]:
    """Name and flags where Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "", frozenset()
    facts: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    return facts.get("model name", ""), frozenset(facts.get("flags", "").split())


def _read_memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _read_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
