"""Small pictures with words about them, and tiny encoders to learn a bridge between."""

from __future__ import annotations

import colorsys
import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HUES = ("red", "yellow", "green", "teal", "blue", "purple")
LIGHTS = ("dark", "plain", "bright", "pale")
SIDE_PIXELS = 48


def picture(hue: int, light: int, seed: int) -> Image.Image:
    """A colour all over, with some noise."""
    whole = colorsys.hsv_to_rgb(hue / len(HUES), (1.0, 1.0, 0.7, 0.4)[light], 0.35 + 0.2 * light)
    noise = np.random.default_rng(seed).normal(0, 8, (SIDE_PIXELS, SIDE_PIXELS, 3))
    pixels = np.clip(np.array(whole) * 255 + noise, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def write_lines(path: Path, lines: Iterable[dict[str, Any] | str]) -> Path:
    """A file of pairs; a line may be anything."""
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(written) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 pictures; ``first.jsonl`` and ``second.jsonl`` have 24 of them each, with two texts."""
    folder = tmp_path_factory.mktemp("pictures")
    lines: list[dict[str, Any]] = []
    for number, (seed, hue, light) in enumerate(np.ndindex(2, len(HUES), len(LIGHTS))):
        name = f"{HUES[hue]}-{LIGHTS[light]}-{seed}.png"
        picture(hue, light, number).save(folder / name)
        words = f"{LIGHTS[light]} {HUES[hue]}"
        texts = (f"a {words} picture", f"{words} all over") if seed else (words, f"{words} paint")
        lines.append({"image": name, "text": list(texts)})
    write_lines(folder / "first.jsonl", lines[:24])
    write_lines(folder / "second.jsonl", lines[24:])
    return folder


@pytest.fixture(scope="session")
def model_runtime() -> None:
    missing = [name for name in ("torch", "sentence_transformers") if find_spec(name) is None]
    if missing:
        pytest.skip(f"the extra 'models' is not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def clip(
    model_runtime: None,  # noqa: ARG001 - skips
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A CLIP of a few thousand random weights, for images and texts."""
    from tests.model_fixtures import save_clip

    return save_clip(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture(scope="session")
def minilm(
    model_runtime: None,  # noqa: ARG001 - skips
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A MiniLM, for texts alone."""
    from tests.model_fixtures import save_minilm

    return save_minilm(tmp_path_factory.mktemp("models") / "minilm")


@pytest.fixture
def hinge_cache(
    hinge_weights: None,  # noqa: ARG001 - skips
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The graphs of the hinge are built once for all tests."""
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "hinge-cache"))
