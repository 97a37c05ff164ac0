"""Exported towers: the vectors that torch gives, kept once, run without torch."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from ingest.encoders.backends import has_fast_bfloat16
from ingest.encoders.load import load_encoder
from ingest.encoders.workers import count_cores, encoder_rows, encoder_workers
from schemas.errors import EncoderError, ModelUnavailable
from schemas.records import Modality
from schemas.space import Role
from tests.model_fixtures import CORPUS

if TYPE_CHECKING:
    from schemas.space import Encoder, Vectors

REPOSITORY = Path(__file__).parents[3]
NAMES = ("clip", "siglip", "minilm")
BACKENDS = ("onnx", "openvino")
TEXTS = ("rain", CORPUS[0], "", CORPUS[1] * 9, "<|endoftext|> [SEP] the sea")


def pictures(count: int) -> list[Image.Image]:
    random = np.random.default_rng(7)
    coarse = random.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return [
        Image.fromarray(pixels).resize((40 + 9 * index, 60), Image.Resampling.BICUBIC)
        for index, pixels in enumerate(coarse)
    ]


@pytest.fixture
def own_cache(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the cache that a test may damage."""
    cache = tmp_path / "cache"
    shutil.copytree(exported, cache)
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(cache))
    return cache


def load(folder: Path, backend: str, dtype: str = "float32") -> Encoder:
    if backend == "openvino":
        pytest.importorskip("openvino", reason="the extra 'openvino' is not installed")
    return load_encoder(str(folder), backend=backend, dtype=dtype)


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_backend_gives_torchs_vectors_in_torchs_space(
    model_folders: dict[str, Path], encoders: dict[str, Encoder], name: str, backend: str
) -> None:
    encoder, reference = load(model_folders[name], backend), encoders[name]
    assert encoder.space == reference.space
    for count in range(1, 6):
        texts = TEXTS[:count]
        ours = encoder.encode_texts(texts, Role.QUERY)
        np.testing.assert_allclose(ours, reference.encode_texts(texts, Role.QUERY), atol=1e-5)
        if Modality.IMAGE in encoder.space.modalities:
            images = pictures(count)
            mine, theirs = encoder.encode_images(images), reference.encode_images(images)
            # torch resizes to within a level or two of Pillow, see torch_resize.
            assert (mine * theirs).sum(axis=1).min() > 0.9999


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize(("backend", "dtype"), [("openvino", "bfloat16"), ("onnx", "int8")])
@pytest.mark.parametrize("name", NAMES)
def test_another_arithmetic_is_another_space_close_to_the_first(
    model_folders: dict[str, Path],
    encoders: dict[str, Encoder],
    name: str,
    backend: str,
    dtype: str,
) -> None:
    encoder, reference = load(model_folders[name], backend, dtype), encoders[name]
    assert encoder.space.dtype == dtype
    assert encoder.space.fingerprint != reference.space.fingerprint
    ours, theirs = (e.encode_texts(TEXTS, Role.DOCUMENT) for e in (encoder, reference))
    assert (ours * theirs).sum(axis=1).min() > 0.99
    assert not np.array_equal(ours, theirs)
    alone = np.concatenate([encoder.encode_texts([text], Role.DOCUMENT) for text in TEXTS])
    np.testing.assert_allclose((ours * alone).sum(axis=1), 1, atol=1e-3)
    if dtype == "int8":
        np.testing.assert_array_equal(ours, alone)


@pytest.mark.usefixtures("exported")
def test_int8_alone_means_onnx(model_folders: dict[str, Path]) -> None:
    encoder = load_encoder(str(model_folders["minilm"]), dtype="int8", check=False)
    assert encoder.space.dtype == "int8"


@pytest.mark.usefixtures("exported")
def test_openvino_computes_in_bfloat16_where_the_processor_does(
    model_folders: dict[str, Path],
) -> None:
    pytest.importorskip("openvino", reason="the extra 'openvino' is not installed")
    encoder = load_encoder(str(model_folders["minilm"]), backend="openvino", check=False)
    assert encoder.space.dtype == ("bfloat16" if has_fast_bfloat16() else "float32")


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_get_the_vectors_that_one_caller_gets(
    model_folders: dict[str, Path], backend: str
) -> None:
    encoder = load(model_folders["clip"], backend)
    batches = [pictures(1 + index % 3) for index in range(12)]
    serial = [encoder.encode_images(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(encoder.encode_images, batches))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_is_kept_is_not_exported_again(
    own_cache: Path, model_folders: dict[str, Path]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in own_cache.rglob("*")}
    encoder = load(model_folders["clip"], "onnx")
    encoder.encode_texts(["rain"], Role.QUERY)
    assert {path: path.stat().st_mtime_ns for path in own_cache.rglob("*")} == before


def test_a_damaged_export_is_made_again(
    own_cache: Path,
    model_folders: dict[str, Path],
    encoders: dict[str, Encoder],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for path in own_cache.glob("tower-text-*"):
        with (path / "graph.onnx.data").open("r+b") as weights:
            weights.write(b"\0\1\2\3")
    with caplog.at_level(logging.WARNING):
        encoder = load(model_folders["minilm"], "onnx")
    assert "is damaged and is made again" in caplog.text
    np.testing.assert_allclose(
        encoder.encode_texts(TEXTS, Role.QUERY),
        encoders["minilm"].encode_texts(TEXTS, Role.QUERY),
        atol=1e-5,
    )


@pytest.mark.usefixtures("exporter")
def test_a_graph_that_gives_other_vectors_is_refused() -> None:
    from ingest.encoders.transformer.export import prove_same

    def double(values: Any) -> Any:
        return values * 2

    def drift(features: dict[str, Any]) -> Vectors:
        return np.asarray(features["pixel_values"] * 2 + np.float32(0.05))

    arrays = {"pixel_values": np.eye(3, dtype=np.float32)}
    prove_same(double, lambda features: double(features["pixel_values"]), arrays, Modality.IMAGE)
    with pytest.raises(EncoderError, match=r"exported image tower gives other vectors than torch"):
        prove_same(double, drift, arrays, Modality.IMAGE)


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_text_query_on_kept_towers_loads_no_torch_and_no_image_tower(
    model_folders: dict[str, Path], backend: str
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino", reason="the extra 'openvino' is not installed")
    code = f"""
import sys
from ingest.encoders.load import load_encoder
from schemas.records import Modality
from schemas.space import Role
folder = {str(model_folders["clip"])!r}
encoder = load_encoder(folder, backend={backend!r}, dtype="float32", check=False)
encoder.encode_texts(["rain"], Role.QUERY)
heavy = {{"torch", "transformers", "sentence_transformers", "openvino_telemetry"}}
print(sorted(heavy & set(sys.modules)), encoder._parts.towers[Modality.IMAGE]._tower)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[] None"


def test_a_missing_runtime_is_named(
    model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    for model in ("hinge-en-2", str(model_folders["clip"])):
        with pytest.raises(ModelUnavailable, match=r"pip install 'diptych\[openvino\]'"):
            load_encoder(model, backend="openvino")


def test_a_missing_exporter_is_named(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModelUnavailable, match=r"onnxscript: pip install 'diptych\[models\]'"):
        load_encoder(str(model_folders["minilm"]), backend="onnx")


def test_an_encoder_says_how_it_is_best_called(model_folders: dict[str, Path]) -> None:
    import torch

    # A new one: on a GPU its rows grow with what it has encoded.
    encoder = load_encoder(str(model_folders["clip"]), backend="torch", check=False)
    on_gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert encoder_workers(encoder) == (1 if on_gpu else count_cores())
    assert encoder_rows(encoder, Modality.TEXT) == 32
    assert encoder_workers(object()) == count_cores() >= 1
    assert [encoder_rows(object(), modality) for modality in Modality] == [16, 32]
