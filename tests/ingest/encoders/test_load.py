"""From a name to an encoder: the asked one, safely, or a typed error that says what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.encoders.catalogue import CATALOGUE
from ingest.encoders.load import _compare_with_catalogue, load_encoder
from ingest.encoders.transformer.arithmetic import choose_dtype
from ingest.encoders.transformer.files import find_model
from ingest.encoders.transformer.loading import _require_plain_inputs
from schemas.errors import EncoderError, InvalidVector, ModelUnavailable, SettingsError
from schemas.records import Modality
from schemas.space import Encoder, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = Path(__file__).parents[3]


def run_python(code: str, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_a_folder_is_an_encoder_with_a_described_space(encoders: dict[str, Encoder]) -> None:
    clip, minilm = encoders["clip"].space, encoders["minilm"].space
    assert isinstance(encoders["clip"], Encoder)
    assert (clip.model_id, clip.dimension, clip.window_tokens) == ("clip", 16, 22)
    assert (clip.modalities, clip.image_size_pixels) == (tuple(Modality), 32)
    assert (clip.pooling, clip.padding, clip.dtype) == ("head", "longest", "float32")
    assert (minilm.modalities, minilm.window_tokens) == ((Modality.TEXT,), 30)
    assert minilm.pooling == "mean > normalize"


def test_a_folder_is_known_by_what_it_holds(
    model_folders: dict[str, Path], encoders: dict[str, Encoder], tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "clip"
    shutil.copytree(model_folders["clip"], copy)
    (copy / "README.md").write_text("no part of the model")
    held = find_model(str(copy), None).revision
    assert held == encoders["clip"].space.revision
    assert find_model(str(copy), held).folder == copy
    with (copy / "model.safetensors").open("ab") as weights:
        weights.write(b" ")
    with pytest.raises(ModelUnavailable, match="its files have changed"):
        find_model(str(copy), held)


def test_a_catalogued_or_named_commit_is_loaded_from_the_hubs_cache(
    model_folders: dict[str, Path],
    encoders: dict[str, Encoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--somebody--clip" / "snapshots" / COMMIT
    shutil.copytree(model_folders["clip"], snapshot)
    encoder = load_encoder("somebody/clip", revision=COMMIT, dtype="float32")
    assert (encoder.space.model_id, encoder.space.revision) == ("somebody/clip", COMMIT)
    np.testing.assert_allclose(
        encoder.encode_texts(["rain"], Role.QUERY),
        encoders["clip"].encode_texts(["rain"], Role.QUERY),
        atol=1e-6,
    )


@pytest.mark.parametrize("revision", [None, "main", COMMIT[:12]])
@pytest.mark.usefixtures("model_runtime")
def test_a_hub_model_without_a_full_commit_is_refused(revision: str | None) -> None:
    with pytest.raises(SettingsError, match="full commit hash of 40 hex digits"):
        load_encoder("somebody/clip", revision=revision)


@pytest.mark.usefixtures("model_runtime")
def test_a_name_that_is_nothing_says_what_it_could_have_been() -> None:
    with pytest.raises(ModelUnavailable, match=r"'clip' is no model of the catalogue, no folder"):
        load_encoder("clip")


@pytest.mark.usefixtures("model_runtime")
def test_a_model_that_is_not_here_and_a_hub_out_of_reach_say_what_to_do(tmp_path: Path) -> None:
    code = """
import sys
from ingest.encoders.load import load_encoder
from schemas.errors import ModelUnavailable
try:
    load_encoder("google/siglip2-base-patch16-224")
except ModelUnavailable as error:
    print(error)
assert "torch" not in sys.modules
"""
    hub = {
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HUB_CACHE": str(tmp_path),
        "HF_HUB_OFFLINE": "0",
    }
    said = run_python(code, hub)
    assert "google/siglip2-base-patch16-224 at 75de2d55ec2d is not on this machine" in said
    assert "copy the model's folder here and name its path" in said


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelUnavailable, match=r"needs torch.*pip install 'diptych\[models\]'"):
        load_encoder(str(tmp_path))


def test_pickled_weights_are_refused(model_folders: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "clip"
    shutil.copytree(model_folders["clip"], copy)
    (copy / "1_Dense").mkdir()
    (copy / "1_Dense" / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(ModelUnavailable, match=r"1_Dense/pytorch_model\.bin is pickled"):
        load_encoder(str(copy))
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="holds no safetensors weights"):
        load_encoder(str(copy))


def test_code_in_a_model_folder_is_not_run(model_folders: dict[str, Path], tmp_path: Path) -> None:
    copy, marker = tmp_path / "minilm", tmp_path / "ran"
    shutil.copytree(model_folders["minilm"], copy)
    (copy / "modeling_own.py").write_text(f"open({str(marker)!r}, 'w').close()\nclass Own: ...\n")
    modules = json.loads((copy / "modules.json").read_text())
    modules[0]["type"] = "modeling_own.Own"
    (copy / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelUnavailable, match="bring their own code are not run"):
        load_encoder(str(copy))
    assert not marker.exists()


@pytest.mark.parametrize("modalities", [["text", "message"], ["audio"]])
def test_models_of_other_inputs_are_refused(modalities: list[str]) -> None:
    files = SimpleNamespace(model_id="chat")
    with pytest.raises(ModelUnavailable, match="plain images or texts"):
        _require_plain_inputs(SimpleNamespace(modalities=modalities), files)  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "fault"), [(float("nan"), "NaN"), (0.0, "is zero")])
def test_spoilt_weights_are_found_at_load(
    model_folders: dict[str, Path], tmp_path: Path, value: float, fault: str
) -> None:
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "clip"
    shutil.copytree(model_folders["clip"], copy)
    weights = load_file(copy / "model.safetensors")
    weights["text_projection.weight"].fill_(value)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InvalidVector, match=fault):
        load_encoder(str(copy))
    unchecked = load_encoder(str(copy), check=False)
    with pytest.raises(InvalidVector, match=fault):
        unchecked.encode_texts(["rain"], Role.QUERY)


def test_the_dtype_is_asked_for_or_chosen_and_is_part_of_the_space(
    model_folders: dict[str, Path], encoders: dict[str, Encoder]
) -> None:
    import torch

    folder = str(model_folders["clip"])
    half = load_encoder(folder, dtype="bfloat16")
    assert half.space.dtype == "bfloat16"
    assert half.space.fingerprint != encoders["clip"].space.fingerprint
    both = [e.encode_texts(["the rain"], Role.QUERY)[0] for e in (half, encoders["clip"])]
    assert both[0] @ both[1] > 0.999
    has = torch.cpu.get_capabilities()
    fast = torch.cuda.is_available() or has.get("amx_bf16") or has.get("avx512_bf16")
    assert (load_encoder(folder, check=False).space.dtype != "float32") == bool(fast)


@pytest.mark.parametrize(("is_own", "dtype"), [(True, "bfloat16"), (False, "float16")])
@pytest.mark.usefixtures("model_runtime")
def test_a_gpu_that_only_emulates_bfloat16_computes_in_float16(
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    *,
    is_own: bool,
) -> None:
    import torch

    def supports(including_emulation: bool = True) -> bool:  # noqa: FBT001, FBT002 - torch's
        return including_emulation or is_own

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supports)
    assert choose_dtype(None, "cuda") == dtype
    assert choose_dtype("float32", "cuda") == "float32"


@pytest.mark.parametrize(
    ("backend", "dtype", "message"),
    [
        ("tensorrt", None, "backend 'tensorrt' is none of torch, onnx, openvino"),
        (None, "int4", "dtype 'int4' is none of bfloat16, float16, float32, int8"),
        ("torch", "int8", "torch backend computes in .* not in int8: choose the backend onnx"),
        ("onnx", "bfloat16", "not in bfloat16: choose the backend torch or openvino"),
    ],
)
@pytest.mark.parametrize("model", ["hinge-en-2", "somebody/clip"])
def test_a_backend_and_a_dtype_that_do_not_go_together_are_refused(
    model: str, backend: str | None, dtype: str | None, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        load_encoder(model, revision=COMMIT, backend=backend, dtype=dtype)


def test_prompts_are_put_before_texts_by_role_and_narrow_the_window(
    model_folders: dict[str, Path], encoders: dict[str, Encoder], tmp_path: Path
) -> None:
    copy = tmp_path / "minilm"
    shutil.copytree(model_folders["minilm"], copy)
    settings = json.loads((copy / "config_sentence_transformers.json").read_text())
    settings["prompts"] = {"query": "the sea: ", "passage": "rain: "}
    (copy / "config_sentence_transformers.json").write_text(json.dumps(settings))
    prompted, plain = load_encoder(str(copy), dtype="float32"), encoders["minilm"]
    for role, prompt in ((Role.QUERY, "the sea: "), (Role.DOCUMENT, "rain: ")):
        np.testing.assert_allclose(
            prompted.encode_texts(["old wall"], role),
            plain.encode_texts([f"{prompt}old wall"], role),
            atol=1e-5,
        )
    longest = len(plain.token_spans("the sea: "))
    assert prompted.space.window_tokens == plain.space.window_tokens - longest


def test_the_catalogue_pins_commits_and_agrees_with_itself() -> None:
    for model_id, model in CATALOGUE.items():
        assert model.model_id == model_id
        assert len(bytes.fromhex(model.revision)) == 20
        if model.padding != "longest":
            assert model.padding == f"max_length:{model.window_tokens + 1}"


def test_a_model_that_is_not_as_catalogued_is_refused(encoders: dict[str, Encoder]) -> None:
    known = CATALOGUE["openai/clip-vit-large-patch14"]
    space = replace(encoders["clip"].space, model_id=known.model_id, revision=known.revision)
    with pytest.raises(EncoderError, match="the catalogue says"):
        _compare_with_catalogue(space)
    _compare_with_catalogue(replace(space, dimension=768, window_tokens=75, image_size_pixels=224))


def test_finding_and_describing_models_loads_no_runtime() -> None:
    code = """
import sys
import ingest.encoders.load, ingest.encoders.catalogue, ingest.encoders.transformer.files
heavy = {"torch", "transformers", "sentence_transformers", "onnxruntime", "numpy", "PIL"}
print(sorted(heavy & set(sys.modules)))
import ingest.encoders.canary, ingest.encoders.self_test, ingest.encoders.transformer.encoder
print(sorted((heavy - {"numpy", "PIL"}) & set(sys.modules)))
"""
    assert run_python(code).split("\n")[:2] == ["[]", "[]"]
