"""Tiny models on disk and loaded, once a session; skipped where torch is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from ingest.encoders.load import load_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.space import Encoder


@pytest.fixture(scope="session")
def model_runtime() -> None:
    missing = [name for name in ("torch", "sentence_transformers") if find_spec(name) is None]
    if missing:
        pytest.skip(f"the extra 'models' is not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def model_folders(
    model_runtime: None,  # noqa: ARG001 - skips
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    from tests import model_fixtures

    return {
        name: save(tmp_path_factory.mktemp("models") / name)
        for name, save in (
            ("clip", model_fixtures.save_clip),
            ("siglip", model_fixtures.save_siglip),
            ("minilm", model_fixtures.save_minilm),
        )
    }


@pytest.fixture(scope="session")
def exporter(model_runtime: None) -> None:  # noqa: ARG001 - skips
    if find_spec("onnxscript") is None:
        pytest.skip("the extra 'models' is not installed: onnxscript")


@pytest.fixture(scope="session")
def exports(
    exporter: None,  # noqa: ARG001 - skips
    model_folders: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A cache folder with the towers of all three models; in use while it is made only."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
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
