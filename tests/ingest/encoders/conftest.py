"""Tiny models on disk and loaded, once a run; skipped where torch is not installed."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.encoders.load import load_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.space import Encoder


@pytest.fixture(scope="session")
def model_runtime() -> None:
    missing = [name for name in ("torch", "sentence_transformers") if find_spec(name) is None]
    if missing:
        pytest.skip(f"the extra 'models' is not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same one in all processes that share the tests."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "encoders"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time, so that the others find what the first one made."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def model_folders(
    model_runtime: None,  # noqa: ARG001 - skips
    shared: Path,
) -> dict[str, Path]:
    from tests import model_fixtures

    saved = shared / "saved.json"
    with alone(shared):
        if not saved.exists():
            folders = {
                "clip": model_fixtures.save_clip(shared / "clip"),
                "siglip": model_fixtures.save_siglip(shared / "siglip"),
                "minilm": model_fixtures.save_minilm(shared / "minilm"),
            }
            saved.write_text(json.dumps({name: str(folder) for name, folder in folders.items()}))
    return {name: Path(folder) for name, folder in json.loads(saved.read_text()).items()}


@pytest.fixture(scope="session")
def exporter(model_runtime: None) -> None:  # noqa: ARG001 - skips
    if find_spec("onnxscript") is None:
        pytest.skip("the extra 'models' is not installed: onnxscript")


@pytest.fixture(scope="session")
def exports(
    exporter: None,  # noqa: ARG001 - skips
    model_folders: dict[str, Path],
    shared: Path,
) -> Path:
    """A cache folder with the towers of all three models; in use while it is made only."""
    cache = shared / "cache"
    with alone(shared), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIPTYCH_CACHE_DIR", str(cache))
        for folder in model_folders.values():
            load_encoder(str(folder), backend="onnx", check=False)
    return cache


@pytest.fixture
def exported(exports: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder in use, with the towers of all three models exported into it."""
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(exports))
    return exports


@pytest.fixture(scope="session")
def encoders(model_folders: dict[str, Path]) -> dict[str, Encoder]:
    """All three in float32, so that comparisons are not about rounding."""
    return {
        name: load_encoder(str(folder), dtype="float32") for name, folder in model_folders.items()
    }
